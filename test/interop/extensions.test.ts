import { Code, connect, createClient, createServer, type Server } from "quorate";
import { describe, expect, it } from "vitest";
import { Interop } from "../gen/interop/v1/interop_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { goServer, useGoPeers } from "./go-peers.js";
import { interopRoutes } from "./interop-handlers.js";
import { fieldNumbers, openRecordingProxy, type RecordingProxy } from "./recording-proxy.js";

checkLeaks();
const startGo = useGoPeers();

/** The fields that Gorums knows (F-02); what is behind them needs the peer's word (wire.md, section 5). */
const ofGorums = [1, 2, 3, 4, 5];

const serve = (): Promise<Server> => createServer({ address: "127.0.0.1:0", routes: interopRoutes(1) });

/** Calls of every kind, some of which end before their replies. */
async function callInEveryWay(
  target: Parameters<typeof createClient<typeof Interop, Server["peers"]>>[1],
  halted: { halt(): Promise<void>; resume(): void },
  written: () => number,
): Promise<void> {
  const all = createClient(Interop, target);
  const [first] = target.nodes;
  if (first === undefined) throw new Error("there is no node to call");
  const one = createClient(Interop, first);
  const timeoutMs = 5_000;
  await one.echo({ text: "rpc" }, { timeoutMs, metadata: { "x-who": "call" } });
  await all.read({ text: "quorum call" }, { timeoutMs }).all();
  await all.putAll({ number: 1 }, { timeoutMs });
  await one.put({ number: 2 }, { timeoutMs });
  await expect(one.fail({ code: Code.NotFound, text: "error" }, { timeoutMs })).rejects.toThrow("error");
  await all.updates({ replies: 2 }, { timeoutMs }).correctable(2).result();
  for await (const response of all.updates({ replies: 9 }, { timeoutMs })) {
    expect(response.ok).toBe(true);
    break;
  }
  await halted.halt();
  const before = written();
  const controller = new AbortController();
  const aborted = one.echo({ text: "aborted" }, { timeoutMs, signal: controller.signal });
  const expired = one.echo({ text: "expired" }, { timeoutMs: 100 });
  await eventually(() => written() === before + 2);
  controller.abort();
  await expect(aborted).rejects.toMatchObject({ code: Code.Canceled });
  await expect(expired).rejects.toMatchObject({ code: Code.DeadlineExceeded });
  halted.resume();
  await one.echo({ text: "afterwards" }, { timeoutMs });
}

describe("what TypeScript writes to a peer", () => {
  it("is what Gorums knows, where it dialled a Go server", async () => {
    await using go = await startGo(goServer);
    await using proxy = await openRecordingProxy(go.address);
    await using configuration = await connect({ nodes: [proxy.address], routes: interopRoutes() });
    await callInEveryWay(configuration, go, () => proxy.sent.length);
    await eventually(async () => (await go.nodes("clients")).length === 1);
    // Its replies to the server's calls, the end of a stream of replies among them.
    await go.run("Read", { on: "clients" });
    await go.run("Updates", { on: "clients", count: 2 }, { replies: 2 });
    await createClient(Interop, configuration.node(1)).echo({});
    expect(fieldNumbers(proxy.sent)).toEqual([1, 2, 4, 5]);
    expect(fieldNumbers(proxy.received).every((number) => ofGorums.includes(number))).toBe(true);
  });

  it("is what Gorums knows, where a Go client dialled it", async () => {
    await using server = await serve();
    await using proxy = await openRecordingProxy(server.address);
    await using go = await startGo({ role: "client", nodes: { 1: proxy.address }, serves: true });
    await server.waitForClients(1);
    await callInEveryWay(server.clients, go, () => proxy.received.length);
    await go.run("Read");
    await go.run("Updates", { count: 2 }, { replies: 2 });
    await expect(go.run("Fail", {}, { code: Code.NotFound })).rejects.toMatchObject({ code: Code.NotFound });
    await go.run("Read");
    expect(fieldNumbers(proxy.received)).toEqual(ofGorums);
  });

  it("has the extensions, where the same is asked of a peer that offered them", async () => {
    await using server = await serve();
    await using proxy: RecordingProxy = await openRecordingProxy(server.address);
    await using configuration = await connect({ nodes: [proxy.address] });
    const client = createClient(Interop, configuration.node(1));
    await client.echo({}, { timeoutMs: 5_000 });
    await client.echo({}, { timeoutMs: 5_000 });
    await createClient(Interop, configuration).updates({ replies: 1 }, { timeoutMs: 5_000 }).collect();
    expect(fieldNumbers(proxy.sent)).toContain(16);
    expect(fieldNumbers(proxy.received)).toContain(18);
  });
});
