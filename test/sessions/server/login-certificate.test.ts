import { connect, createServer } from "quorate";
import { describe, expect, it } from "vitest";
import { Metadata } from "../../../internal/wire/metadata.js";
import { callRaw, type RawReply } from "../../../src/calls/raw-call.js";
import { peerNodeOf } from "../../../src/configuration/node-set.js";
import { decodeMessage, encodeMessage } from "../../../src/service/message-codec.js";
import { wireName } from "../../../src/service/quorate-service.js";
import { createMemoryLog } from "../../../src/sessions/commit-log/memory-log.js";
import { certificateUsers } from "../../../src/sessions/credentials/certificate-users.js";
import {
  RegisterResponseSchema,
  SessionService,
} from "../../../src/sessions/gen/quorate/session/v1/session_pb.js";
import { fromHex } from "../../../src/sessions/hex.js";
import { createSessions } from "../../../src/sessions/server/create-sessions.js";
import type { SessionsEvent } from "../../../src/sessions/server/sessions-event.js";
import { createAuthority, issueReplica } from "../../helpers/certificates.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { id } from "../table/test-table.js";

checkLeaks();

const authority = createAuthority();
const { ca } = authority;
const ofServer = issueReplica(authority, 1);
const ann = authority.issue({ commonName: "ann", names: ["URI:quorate://user/ann"] });
const { register, login } = SessionService.method;

/** A server with real connections whose users are those of certificates, and what it answers to a Register. */
async function registerWith(
  tls: { readonly cert?: string; readonly key?: string },
  active: ReadonlySet<string> = new Set(["ann"]),
) {
  const events: SessionsEvent[] = [];
  const sessions = createSessions({
    log: createMemoryLog(),
    authenticate: certificateUsers({ isActive: (user) => active.has(user) }),
    onEvent: (event) => void events.push(event),
  });
  await using server = await createServer({
    address: "127.0.0.1:0",
    tls: { ...ofServer, ca, clientCertificates: "optional" },
    extensions: [sessions],
  });
  await using configuration = await connect({ nodes: { 1: server.address }, tls: { ca, ...tls } });
  const ask = (method: typeof register | typeof login, payload: Uint8Array) =>
    new Promise<RawReply>((resolve, reject) => {
      const call = { method: wireName(method), payload, metadata: Metadata.empty, timeoutMs: 10_000 };
      callRaw(peerNodeOf(configuration.node(1)), call, { replied: resolve, failed: reject });
    });
  const registration = { client: fromHex(id(1)), nonce: fromHex(id(2)) };
  const payload = encodeMessage(register.input, registration);
  const registered = await ask(register, payload);
  const loggedIn = await ask(login, new Uint8Array());
  return { registered, loggedIn, again: await ask(register, payload), events };
}

describe("a stream with mutual TLS", () => {
  it("is authenticated from the start", async () => {
    const { registered, again, events } = await registerWith(ann);
    expect(registered.error).toBeUndefined();
    expect(decodeMessage(RegisterResponseSchema, registered.payload)).toMatchObject({ highest: 0n });
    expect(again.payload).toEqual(registered.payload);
    expect(events.filter(({ kind }) => kind === "loggedIn")).toMatchObject([
      { user: "ann" },
      { user: "ann" },
    ]);
  });

  it("is nobody's whose certificate stands for nobody who may log in, and is told so at a login", async () => {
    const { registered, loggedIn, again, events } = await registerWith(ann, new Set());
    expect(registered.error?.reason).toBe("NOT_AUTHENTICATED");
    expect(loggedIn.error?.reason).toBe("USER_INACTIVE");
    expect(again.error?.reason).toBe("NOT_AUTHENTICATED");
    // The transport was asked once, and the login was the second time.
    expect(events.filter(({ kind }) => kind === "loginFailed")).toHaveLength(2);
  });

  it("is nobody's without a certificate", async () => {
    const { registered, loggedIn } = await registerWith({});
    expect(registered.error?.reason).toBe("NOT_AUTHENTICATED");
    expect(loggedIn.error?.reason).toBe("NOT_AUTHENTICATED");
  });
});
