import {
  type ArrivingPeer,
  Code,
  connect,
  createClient,
  createServer,
  type Identity,
  QuorateError,
  type ServerOptions,
  trustClaims,
} from "quorate";
import { createMemoryTransport } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { rejectionOf } from "../calls/held-cluster.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { turn } from "../helpers/turn.js";
import { echo, openIdentifying, payload } from "./open-identifying.js";
import { features } from "./raw-peer.js";

checkLeaks();

describe.each(["memory", "loopback"] as const)("identify, on %s", (transport) => {
  it("is asked with what is known of the stream before anything of it is read", async () => {
    await using one = await openIdentifying(transport);
    await one.peer(2, { "x-token": "abc" });
    const { peer } = await one.question(0);
    expect(peer).toMatchObject({ claim: { kind: "node", id: 2 }, serverId: 1, tls: undefined });
    expect(peer.metadata.get("x-token")).toBe("abc");
    expect(peer.remoteAddress).toMatch(transport === "memory" ? /^memory:\d+$/ : /^127\.0\.0\.1:\d+$/);
    await one.dial({ "gorums-node-id": "0" });
    expect((await one.question(1)).peer.claim).toEqual({ kind: "dynamic" });
    await one.dial();
    expect((await one.question(2)).peer.claim).toEqual({ kind: "plain" });
  });

  it("holds the requests of a stream back, which then run in their order", async () => {
    await using one = await openIdentifying(transport);
    await using two = await one.peer(2);
    const numbers = Array.from({ length: 12 }, (_, at) => at + 1);
    for (const number of numbers) void two.request(number, echo, payload(String(number)));
    const { answer } = await one.question();
    for (let turns = 0; turns < 20; turns++) await turn();
    expect(one.ran).toEqual([]);
    expect(one.connected).toEqual([]);
    expect(one.changes).toEqual([[1]]);
    expect(one.server.snapshot().streams).toEqual([]);
    answer({ nodeId: 2, name: "the second" });
    await one.server.waitForPeers(2);
    await two.reply(12);
    expect(one.ran).toEqual(numbers.map(String));
    expect(two.received.map(({ number }) => number)).toEqual(numbers);
    expect(one.connected.map(({ identity }) => identity)).toEqual([{ nodeId: 2, name: "the second" }]);
    expect(one.changes).toEqual([[1], [1, 2]]);
  });

  it.each<[string, Identity | undefined]>([
    ["another id", { nodeId: 3 }],
    ["a name alone", { name: "somebody" }],
    ["nothing", undefined],
    ["an id that is text", { nodeId: "2" as unknown as number }],
  ])("[W-02] grants an id in no other way than by returning it: not with %s", async (_, identity) => {
    await using one = await openIdentifying(transport);
    await using two = await one.peer(2);
    (await one.question()).answer(identity as Identity);
    expect(await two.ended()).toMatchObject({
      code: Code.PermissionDenied,
      message: "quorate: this peer may not be node 2",
    });
    expect(one.changes).toEqual([[1]]);
    expect(one.refused()).toMatchObject([{ code: Code.PermissionDenied, reason: "NODE_ID_DENIED" }]);
  });

  it.each([
    ["a dynamic client", { "gorums-node-id": "0", ...features }, { nodeId: 3 }],
    ["a client that claims nothing", features, { nodeId: 2, name: "two" }],
    ["a client that claims nothing, for any answer", features, {}],
  ])("lets %s in whatever its id is, and tells handlers", async (_, headers, identity) => {
    await using one = await openIdentifying(transport, { identify: () => identity });
    await using client = await one.dial(headers);
    await client.request(1, echo);
    expect((await client.reply(1)).status).toBeUndefined();
    expect(one.connected.map((connection) => connection.identity)).toEqual([identity]);
    expect(one.server.peers.ids).toEqual([1]);
  });

  const denied = new QuorateError(Code.PermissionDenied, "not on Sundays", { reason: "SUNDAY" });
  const broken = new Error("the database password is hunter2");
  const masked = { code: Code.Internal, message: "quorate: identify failed" };
  const notOk = new QuorateError(Code.Ok, "an odd thing to throw");

  it.each<[string, QuorateError | Error, object]>([
    ["a QuorateError, as it is", denied, { code: Code.PermissionDenied, message: "not on Sundays" }],
    ["any other error, without its text", broken, masked],
    ["a QuorateError that is none, as an error", notOk, masked],
  ])("refuses with what it throws: %s, at once or later", async (_, thrown, status) => {
    await using now = await openIdentifying(transport, {
      identify: () => {
        throw thrown;
      },
    });
    await using soon = await openIdentifying(transport);
    for (const one of [now, soon]) {
      const answerAll = async (number: number) => {
        if (one === soon) (await one.question(number)).refuse(thrown);
      };
      // A quorate peer learns of it by the end of its stream, any other by what its requests get.
      await using quorate = await one.peer(2);
      await answerAll(0);
      expect(await quorate.ended()).toMatchObject(status);
      await using other = await one.peer(2, {});
      await answerAll(1);
      await other.request(1, echo);
      expect((await other.reply(1)).status).toMatchObject(status);
      expect(other.status).toBeUndefined();
      expect([one.changes, one.ran, one.connected]).toEqual([[[1]], [], []]);
      expect(one.refused()).toMatchObject([status, status]);
      const failures = one.events.filter(({ kind }) => kind === "callbackFailed");
      expect(failures).toHaveLength(thrown === denied ? 0 : 2);
      for (const failure of failures) expect(failure).toMatchObject({ callback: "identify", error: thrown });
    }
  });

  it("refuses what it has not decided in time, and takes no notice of what it says then", async () => {
    await using one = await openIdentifying(transport, { identifyTimeoutMs: 50 });
    await using two = await one.peer(2);
    void two.request(1, echo);
    const { answer, signal } = await one.question();
    expect(await two.ended()).toMatchObject({
      code: Code.DeadlineExceeded,
      message: "quorate: identify has not decided within 50 ms (identifyTimeoutMs)",
    });
    expect(signal.reason).toMatchObject({ code: Code.DeadlineExceeded, reason: "IDENTIFY_TIMEOUT" });
    answer({ nodeId: 2 });
    for (let turns = 0; turns < 5; turns++) await turn();
    expect([one.changes, one.ran, one.connected]).toEqual([[[1]], [], []]);
    expect(one.refused()).toHaveLength(1);
  });

  it("takes no notice of an error that comes too late, either", async () => {
    await using one = await openIdentifying(transport, { identifyTimeoutMs: 5 });
    await using two = await one.peer(2);
    const { refuse } = await one.question();
    await two.ended();
    refuse(broken);
    await turn();
    expect(one.refused()).toHaveLength(1);
    expect(one.events.some(({ kind }) => kind === "callbackFailed")).toBe(false);
  });

  it("forgets a stream whose peer leaves before it has decided", async () => {
    await using one = await openIdentifying(transport, { maxUnidentifiedStreams: 1 });
    const two = await one.peer(2);
    const { answer, signal } = await one.question();
    await two[Symbol.asyncDispose]();
    await eventually(() => signal.aborted, "the signal");
    expect(signal.reason).toMatchObject({ code: Code.Canceled });
    answer({ nodeId: 2 });
    await turn();
    expect([one.changes, one.connected, one.refused()]).toEqual([[[1]], [], []]);
    expect(one.server.snapshot().streams).toEqual([]);
    // Its place is free.
    await using again = await one.peer(2);
    (await one.question(1)).answer({ nodeId: 2 });
    await one.server.waitForPeers(2);
    expect(again.status).toBeUndefined();
  });

  it("is asked about a bounded number of streams at a time; those above are refused", async () => {
    await using one = await openIdentifying(transport, { maxUnidentifiedStreams: 2 });
    await using two = await one.peer(2);
    await one.peer(3);
    await one.question(1);
    await using fourth = await one.dial({ "gorums-node-id": "0", ...features });
    expect(await fourth.ended()).toMatchObject({ code: Code.ResourceExhausted });
    expect(one.questions).toHaveLength(2);
    const { limits } = one.server.snapshot().counters;
    expect(limits.unidentifiedStreams).toBe(1);
    expect(one.refused()).toMatchObject([{ reason: "TOO_MANY_UNIDENTIFIED" }]);
    (await one.question(0)).answer({ nodeId: 2 });
    await one.server.waitForPeers(2);
    await one.dial({ "gorums-node-id": "0", ...features });
    await one.question(2);
    expect(two.status).toBeUndefined();
  });

  it("ends with the server: streams that wait are refused, and hold no close up", async () => {
    const one = await openIdentifying(transport);
    await using two = await one.peer(2);
    const { signal } = await one.question();
    await one.server.close();
    expect(signal.reason).toMatchObject({ reason: "SERVER_CLOSING" });
    expect(await two.ended()).toMatchObject({ code: Code.Unavailable });
  });

  it("an older stream that is decided later does not take the place of a newer one", async () => {
    await using one = await openIdentifying(transport);
    await using older = await one.peer(2);
    await one.question(0);
    await using oldGo = await one.peer(2, {});
    await one.question(1);
    await using newer = await one.peer(2);
    (await one.question(2)).answer({ nodeId: 2 });
    await one.server.waitForPeers(2);
    (await one.question(0)).answer({ nodeId: 2 });
    expect(await older.ended()).toMatchObject({ code: Code.AlreadyExists });
    // That of a Go peer is served on, as one that was replaced.
    (await one.question(1)).answer({ nodeId: 2 });
    await oldGo.request(1, echo);
    expect((await oldGo.reply(1)).status).toBeUndefined();
    const call = createClient(Test, one.server.peers.node(2)).echoRPC({});
    await newer.answerCall();
    await call;
    expect(one.changes).toEqual([[1], [1, 2]]);
    expect(one.events.filter(({ kind }) => kind === "streamReplaced")).toMatchObject([
      { nodeId: 2, ended: true },
      { nodeId: 2, ended: false },
    ]);
  });
});

describe("identify", () => {
  it("is not asked about a claim that is refused anyway", async () => {
    await using one = await openIdentifying("memory");
    await using self = await one.peer(1);
    expect(await self.ended()).toMatchObject({ code: Code.PermissionDenied });
    expect(one.questions).toEqual([]);
  });

  it("lets the callers of a server that is not sure of them fail with its status", async () => {
    await using one = await openIdentifying("loopback", {
      identify: () => {
        throw new QuorateError(Code.Unauthenticated, "who are you?");
      },
    });
    await using configuration = await connect({ nodes: [one.server.address] });
    const call = () => rejectionOf(createClient(Test, configuration.node(1)).echoRPC({}));
    expect(await call()).toMatchObject({ code: Code.Unauthenticated, message: "who are you?" });
  });

  it("trustClaims() believes what a stream says", () => {
    const signal = new AbortController().signal;
    const peer = { remoteAddress: "", metadata: undefined, tls: undefined, serverId: 1 } as unknown;
    const trust = trustClaims();
    const decide = (claim: ArrivingPeer["claim"]) => trust({ ...(peer as ArrivingPeer), claim }, signal);
    expect(decide({ kind: "node", id: 2 })).toEqual({ nodeId: 2 });
    expect([decide({ kind: "dynamic" }), decide({ kind: "plain" })]).toEqual([{}, {}]);
  });

  it.each([
    ["identify", "trust"],
    ["identifyTimeoutMs", 0],
    ["identifyTimeoutMs", Number.POSITIVE_INFINITY],
    ["maxUnidentifiedStreams", 0],
    ["prove", {}],
  ])("the bad option %s: %j is named", async (name, value) => {
    const options = { address: "127.0.0.1:0", transport: createMemoryTransport(), [name]: value };
    const error = await rejectionOf(createServer(options as ServerOptions));
    expect(error).toMatchObject({
      code: Code.InvalidArgument,
      message: expect.stringMatching(`^quorate: ${name} `) as string,
    });
  });
});
