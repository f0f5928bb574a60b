import { Code, connect, createClient, createServer } from "quorate";
import { describe, expect, it } from "vitest";
import { Interop } from "../gen/interop/v1/interop_quorate.js";
import { checkLeaks } from "../helpers/leaks.js";
import { goServer, useGoPeers } from "./go-peers.js";
import { interopRoutes } from "./interop-handlers.js";

checkLeaks();
const startGo = useGoPeers();

/** Of calls to a peer that is halted; the calls to the others are over long before. */
const timeoutMs = 1_000;

describe("a Go peer that is halted (SIGSTOP)", () => {
  it("[W-16] as a server costs its calls their time, and the calls to the others nothing", async () => {
    await using one = await startGo(goServer);
    await using two = await startGo(goServer);
    await using three = await startGo(goServer);
    await using configuration = await connect({ nodes: [one, two, three].map(({ address }) => address) });
    const client = createClient(Interop, configuration);
    await client.read({}).all();
    await two.halt();
    const alone = createClient(Interop, configuration.node(2)).echo({}, { timeoutMs });
    const waiting = isWaiting(alone);
    const all = client.read({}, { timeoutMs }).all();
    for (let round = 0; round < 20; round++) await client.read({ text: "most" }).majority();
    expect(waiting()).toBe(true);
    await expect(alone).rejects.toMatchObject({ code: Code.DeadlineExceeded });
    await expect(all).rejects.toMatchObject({
      code: Code.DeadlineExceeded,
      unanswered: [expect.objectContaining({ id: 2 })],
    });
    two.resume();
    expect(await client.read({ text: "back" }).all((replies) => replies.length)).toBe(3);
  });

  it("[W-16] as a client costs its calls their time, and the calls to the others nothing", async () => {
    await using server = await createServer({ address: "127.0.0.1:0", routes: interopRoutes() });
    const nodes = { 1: server.address };
    await using halted = await startGo({ role: "client", nodes, serves: true });
    await server.waitForClients(1);
    const [id = 0] = server.clients.ids;
    await using other = await startGo({ role: "client", nodes, serves: true });
    await server.waitForClients(2);
    const { clients } = server;
    await halted.halt();
    const alone = createClient(Interop, clients.node(id)).echo({}, { timeoutMs });
    const waiting = isWaiting(alone);
    const { echo } = Interop.descriptor.method;
    for (let round = 0; round < 20; round++) {
      expect((await createClient(Interop, clients).read({}).first()).text).toBe("go: ");
      expect((await other.call(echo, { text: "up" })).text).toBe("ts: up");
    }
    expect(waiting()).toBe(true);
    await expect(alone).rejects.toMatchObject({ code: Code.DeadlineExceeded });
    halted.resume();
    const back = await createClient(Interop, clients)
      .read({})
      .all((replies) => replies.length);
    expect(back).toBe(2);
  });
});

/** Whether the promise is not settled yet. */
function isWaiting(promise: Promise<unknown>): () => boolean {
  let waiting = true;
  const settled = () => {
    waiting = false;
  };
  promise.then(settled, settled);
  return () => waiting;
}
