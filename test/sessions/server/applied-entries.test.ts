import { describe, expect, it } from "vitest";
import { requestDigest } from "../../../src/sessions/digest.js";
import type { Entry } from "../../../src/sessions/record/log-record.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { refusedWith } from "./expected-answers.js";
import { foreign } from "./open-test-log.js";
import type { RawSessionClient } from "./raw-session-client.js";
import { append, pay, receiptOf, valueOf } from "./register-service.js";
import { SessionServer } from "./session-server.js";

checkLeaks();

/** Puts entries into the log as another server proposes them. */
async function put({ store }: SessionServer, ...entries: Entry[]): Promise<void> {
  const log = store.open();
  await log.genesis(new Uint8Array(1));
  for (const [at, entry] of entries.entries()) await log.append(foreign(entry, at + 1));
  await log.close();
}

/** The entry of a request as another server would have accepted it. */
function requestEntry({ id, session }: RawSessionClient, request: number, value: string): Entry {
  const { method, payload } = append(value);
  const digest = requestDigest(method, payload);
  return {
    kind: "request",
    stamp: { client: id, session, request, respondedTo: 0, digest },
    method,
    payload,
  };
}

/** Accepts a request here whose entry gets into the log behind those that are put there before. */
async function overtaken(
  server: SessionServer,
  send: () => ReturnType<RawSessionClient["request"]>,
  before: () => Promise<unknown>,
) {
  const release = server.control.holdAppends();
  const answer = send();
  await eventually(() => server.sessions.snapshot().inFlight === 1);
  await before();
  release();
  return answer;
}

describe("the entry of an accepted request that finds another state when it is applied", () => {
  it("has no effect if the request was applied by another server's entry: the kept reply is the answer", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    const send = () => client.request(1, append("a"));
    const answer = await overtaken(server, send, () => put(server, requestEntry(client, 1, "a")));
    expect(valueOf(answer)).toBe("a");
    expect(answer.op).toBeLessThan(server.appliedOp);
    expect(server.register.runs).toEqual(["a"]);
  });

  it("has no effect if another request was applied under the number", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    const send = () => client.request(1, append("a"));
    const answer = await overtaken(server, send, () => put(server, requestEntry(client, 1, "other")));
    expect(answer).toEqual(refusedWith("REQUEST_REUSED"));
    expect(server.register.runs).toEqual(["other"]);
  });

  it("has no effect if it was applied, and its reply was consumed", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    const { id, session } = client;
    const send = () => client.request(1, append("a"));
    const consumed = { kind: "keepAlive", client: id, session, respondedTo: 1 } as const;
    const answer = await overtaken(server, send, () => put(server, requestEntry(client, 1, "a"), consumed));
    expect(answer).toEqual(refusedWith("ALREADY_ANSWERED"));
    expect(server.register.runs).toEqual(["a"]);
  });

  it("waits for the result if another server has opened the intent", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    const { id, session } = client;
    const { method, payload } = pay("a");
    const stamp = {
      client: id,
      session,
      request: 1,
      respondedTo: 0,
      digest: requestDigest(method, payload),
    } as const;
    const send = () => client.request(1, pay("a"));
    const intent = { kind: "intent", stamp, method, serverId: "elsewhere" } as const;
    const answer = overtaken(server, send, () => put(server, intent));
    await eventually(
      () => server.sessions.snapshot().openIntents === 1 && server.sessions.snapshot().inFlight === 0,
    );
    // Nobody runs it here: the process that opened it is gone, and says so when it starts again.
    expect(server.sessions.snapshot().runningHandlers).toBe(0);
    await put(server, { kind: "serverUp", serverId: "elsewhere" });
    const verdict = await answer;
    expect(verdict.error).toMatchObject({ reason: "OUTCOME_UNKNOWN" });
    expect(verdict.op).toBeGreaterThan(0);
    expect(receiptOf(await client.request(2, pay("b")))).toBe("paid b");
  });

  it("has no effect if the window has become smaller", async () => {
    await using server = await SessionServer.start();
    await using other = await server.join();
    const client = await server.open();
    valueOf(await client.request(1, append("a")));
    const send = () => client.request(2, append("b"));
    const answer = await overtaken(server, send, () => other.sessions.configure({ maxInFlight: 1 }));
    expect(answer).toEqual(refusedWith("WINDOW_FULL"));
    expect(valueOf(await client.request(2, append("b"), { respondedTo: 1 }))).toBe("ab");
  });

  it("has no effect if the session has ended", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    const { id, session } = client;
    const send = () => client.request(1, append("a"));
    const gone = { kind: "unregister", client: id, session } as const;
    expect(await overtaken(server, send, () => put(server, gone))).toEqual(refusedWith("NO_SESSION"));
    expect(server.register.runs).toEqual([]);
  });

  it("keeps replies above what its entry, not a stamp, says was consumed", async () => {
    await using server = await SessionServer.start();
    const client = await server.open();
    const first = await client.request(1, append("a"));
    valueOf(await client.request(2, append("b")));
    // A stamp that comes with a duplicate, or with what is refused, has no entry: it forgets nothing.
    valueOf(await client.request(2, append("b"), { respondedTo: 1 }));
    expect(await client.request(9, append("x"), { respondedTo: 2 })).toEqual(refusedWith("REQUEST_GAP"));
    expect(await client.request(1, append("a"))).toEqual(first);
    valueOf(await client.request(3, append("c"), { respondedTo: 1 }));
    expect(await client.request(1, append("a"))).toEqual(refusedWith("ALREADY_ANSWERED"));
    expect(valueOf(await client.request(2, append("b")))).toBe("ab");
  });
});
