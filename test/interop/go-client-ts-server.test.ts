import { Code, createServer, type Server, type ServerOptions } from "quorate";
import { describe, expect, it } from "vitest";
import { Interop } from "../gen/interop/v1/interop_quorate.js";
import { checkLeaks } from "../helpers/leaks.js";
import { useGoPeers } from "./go-peers.js";
import { interopRoutes } from "./interop-handlers.js";
import type { PeerProcess, PeerSetup } from "./peer-process.js";

checkLeaks();
const startGo = useGoPeers();
const { method } = Interop.descriptor;

const serve = (node?: number, options: Partial<ServerOptions> = {}): Promise<Server> =>
  createServer({ address: "127.0.0.1:0", routes: interopRoutes(node), ...options });

const clientOf = (servers: readonly Server[], setup: Partial<PeerSetup> = {}): Promise<PeerProcess> =>
  startGo({
    role: "client",
    nodes: Object.fromEntries(servers.map(({ address }, at) => [at + 1, address])),
    ...setup,
  });

describe("a Go client of TypeScript servers", () => {
  it("[RPC-01] asks one by RPC", async () => {
    await using server = await serve(1);
    await using go = await clientOf([server]);
    expect(await go.call(method.echo, { text: "hello" })).toMatchObject({ text: "ts: hello", node: 1 });
  });

  it("has 1,000 unicasts processed in the order of the calls (FIFO)", async () => {
    await using server = await serve();
    await using go = await clientOf([server]);
    const taken = await go.run("burst", { count: 1_000 });
    expect(taken).toEqual({ numbers: Array.from({ length: 1_000 }, (_, number) => number) });
  });

  it("tells all by multicast, and asks all by quorum call", async () => {
    await using one = await serve(1);
    await using two = await serve(2);
    await using three = await serve(3);
    await using go = await clientOf([one, two, three]);
    await go.call(method.putAll, { number: 7 });
    const outcomes = await go.run("Read", {}, { text: "all" });
    expect(outcomes).toHaveLength(3);
    for (const node of [1, 2, 3]) {
      expect(outcomes).toContainEqual({ node, reply: expect.objectContaining({ text: "ts: all", node }) });
      expect((await go.call(method.taken, {}, { node })).numbers).toEqual([7]);
    }
  });

  it("has a majority where one of three is gone", async () => {
    await using one = await serve(1);
    await using two = await serve(2);
    await using three = await serve(3);
    await using go = await clientOf([one, two, three]);
    await go.run("Read");
    await three.close();
    expect(await go.run("majority", {}, { text: "most" })).toMatchObject({ text: "ts: most" });
  });

  it("follows the streams of replies of a correctable call to the level that it wants", async () => {
    await using one = await serve(1);
    await using two = await serve(2);
    await using go = await clientOf([one, two]);
    expect(await go.run("Updates", { count: 6 }, { text: "more", replies: 3 })).toMatchObject({
      level: 6,
      reply: { text: "ts: more 3" },
    });
    const tooFew = go.run("Updates", { count: 5, timeoutMs: 300 }, { text: "all", replies: 2 });
    await expect(tooFew).rejects.toThrow("incomplete call");
  });

  it("sends metadata of its stream and of its call, in this order (F-17, F-19)", async () => {
    await using server = await serve();
    await using go = await clientOf([server], { metadata: { "x-who": "stream" } });
    const reply = await go.call(method.echo, {}, { metadata: { "X-Who": "call" } });
    expect(reply.metadata.map(({ key, value }) => `${key}: ${value}`)).toEqual([
      "x-who: stream",
      "x-who: call",
    ]);
  });

  it.each([
    {
      what: "[RPC-06] a QuorateError",
      request: { code: Code.NotFound, text: "no such key" },
      error: { code: Code.NotFound, message: "no such key" },
    },
    {
      what: "a plain error, which is Unknown",
      request: { text: "it broke" },
      error: { code: Code.Unknown, message: "it broke" },
    },
    {
      what: "an error whose cause is a QuorateError, with that one's code",
      request: { code: Code.Aborted, text: "inner", wrappedBy: "outer" },
      error: { code: Code.Aborted, message: "outer: inner" },
    },
  ])("gets of a TypeScript handler's error (F-12) $what", async ({ request, error }) => {
    await using server = await serve();
    await using go = await clientOf([server]);
    await expect(go.call(method.fail, request)).rejects.toMatchObject(error);
    expect((await go.call(method.echo, { text: "and then" })).text).toBe("ts: and then");
  });

  it("[RPC-09] gets Unimplemented for a method that the server does not have, and goes on (F-13)", async () => {
    await using server = await serve();
    await using go = await clientOf([server]);
    await expect(go.run("absent")).rejects.toMatchObject({
      code: Code.Unimplemented,
      message: "no handler registered for method absent.v1.Absent.Ask",
    });
    expect((await go.call(method.echo, { text: "on" })).text).toBe("ts: on");
  });
});
