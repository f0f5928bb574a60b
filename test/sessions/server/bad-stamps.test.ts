import { Code, type MetadataInit } from "quorate";
import { describe, expect, it } from "vitest";
import { encodeBody, encodeEnvelope } from "../../../internal/wire/encode-envelope.js";
import { SessionService } from "../../../src/sessions/gen/quorate/session/v1/session_pb.js";
import { fromHex } from "../../../src/sessions/hex.js";
import { readStampKey, stampKey } from "../../../src/sessions/stamp.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { RawPeer } from "../../server/raw-peer.js";
import { id } from "../table/test-table.js";
import { refusedWith } from "./expected-answers.js";
import type { RawRequest } from "./raw-session-client.js";
import { append, echo, read, valueOf } from "./register-service.js";
import { SessionServer } from "./session-server.js";

checkLeaks();

const client = id(1);
const stamps: readonly [string, MetadataInit][] = [
  [
    "two of requests",
    [
      [stampKey, `${client}.5.1.0`],
      [stampKey, `${client}.5.2.0`],
    ],
  ],
  ["one of a request and one of a read", { [stampKey]: `${client}.5.1.0`, [readStampKey]: `${client}.5.0` }],
  ["a client id of zero", { [stampKey]: `${id(0)}.5.1.0` }],
  ["a session number of 0", { [stampKey]: `${client}.0.1.0` }],
  ["a request number of 0", { [stampKey]: `${client}.5.0.0` }],
  ["a responded-to that is not below it", { [stampKey]: `${client}.5.1.1` }],
  ["a number that is not canonical", { [stampKey]: `${client}.05.1.0` }],
  ["a client id in capitals", { [stampKey]: `${"A".repeat(32)}.5.1.0` }],
  ["a read's without a session", { [readStampKey]: `${client}.0.0` }],
  ["a read's with a request number", { [readStampKey]: `${client}.5.1.0` }],
  ["nothing", { [stampKey]: "" }],
];

describe("a stamp that is not as it must be", () => {
  it.each(stamps)("is refused before anything else: %s", async (_, metadata) => {
    await using server = await SessionServer.start();
    const raw = await server.open();
    const appended = server.control.appended.length;
    const tails = server.control.tails;
    for (const what of [append("a"), read(), echo("a")]) {
      expect(await raw.call(what, metadata)).toEqual(refusedWith("BAD_STAMP"));
    }
    expect(server.control.appended).toHaveLength(appended);
    expect(server.control.tails).toBe(tails);
  });

  it.each([stampKey, readStampKey])(
    "is refused in the metadata of a stream, for it would be that of each call (%s)",
    async (key) => {
      await using server = await SessionServer.start();
      const valid = key === stampKey ? `${client}.5.1.0` : `${client}.5.0`;
      const raw = await server.connect({ metadata: { [key]: valid } });
      expect(await raw.call(append("a"))).toEqual(refusedWith("BAD_STAMP"));
      expect(await raw.call(echo("a"))).toEqual(refusedWith("BAD_STAMP"));
      expect(await raw.call(append("a"), { [key]: valid })).toEqual(refusedWith("BAD_STAMP"));
      expect(await raw.register()).toEqual(refusedWith("BAD_STAMP"));
      expect(server.register.runs).toEqual([]);
    },
  );

  it("is one on a call of the session service", async () => {
    await using server = await SessionServer.start();
    const raw = await server.open();
    const { register, unregister } = SessionService.method;
    const named = { client: fromHex(client), session: BigInt(raw.session) };
    const stamp = { [stampKey]: raw.stamp(1) };
    expect(await raw.service(unregister, named, stamp)).toEqual(refusedWith("BAD_STAMP"));
    const registration = { client: fromHex(client), nonce: fromHex(id(2)), previous: BigInt(raw.session) };
    expect(await raw.service(register, registration, stamp)).toEqual(refusedWith("BAD_STAMP"));
    expect(valueOf(await raw.request(1, append("a")))).toBe("a");
  });

  it("does not say what stood in it", async () => {
    await using server = await SessionServer.start();
    const raw = await server.open();
    const secret = "c0ffee".repeat(5);
    const { error } = await raw.call(append("a"), { [stampKey]: `${secret}.5.1.0` });
    expect(error?.message).not.toContain(secret);
  });

  it("is not one whose key is in capitals: keys have no case", async () => {
    await using server = await SessionServer.start();
    const raw = await server.open();
    await using peer = await RawPeer.dial(server.server.address, {}, server.network);
    const send = ({ method, payload }: RawRequest, value: string) => {
      const body = encodeBody({ method, payload, entries: [{ key: "Quorate-Session", value }] });
      return peer.write(encodeEnvelope(peer.received.length + 1, false, body));
    };
    // Seen as that of a plain method, too, whose number would be lost otherwise.
    await send(echo("a"), raw.stamp(1));
    expect((await peer.reply(1)).status).toMatchObject({ code: Code.Unauthenticated });
    await send(append("a"), raw.stamp(1));
    expect((await peer.reply(2)).status).toMatchObject({ code: Code.Unauthenticated });
    expect(server.register.runs).toEqual([]);
  });
});
