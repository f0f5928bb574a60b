import { Code, connect, createClient, createServer, type OwnedConfiguration, type Server } from "quorate";
import { describe, expect, it } from "vitest";
import { Absent } from "../gen/absent/v1/absent_quorate.js";
import { Interop } from "../gen/interop/v1/interop_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { goServer, useGoPeers } from "./go-peers.js";
import { interopRoutes } from "./interop-handlers.js";
import type { PeerProcess } from "./peer-process.js";

checkLeaks();
const startGo = useGoPeers();
const { method } = Interop.descriptor;

/** The first id that a server gives to a client (F-18). */
const firstClient = 1 << 20;

const servingClient = (address: string): Promise<PeerProcess> =>
  startGo({ role: "client", nodes: { 1: address }, serves: true });

/** A TypeScript server, and so many Go clients that it can call. */
async function serveGoClients(
  count: number,
): Promise<{ readonly server: Server; readonly clients: readonly PeerProcess[] } & AsyncDisposable> {
  const server = await createServer({ address: "127.0.0.1:0", routes: interopRoutes(1) });
  const clients = await Promise.all(Array.from({ length: count }, () => servingClient(server.address)));
  await server.waitForClients(count);
  return {
    server,
    clients,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(clients.map((client) => client.kill()));
      await server.close();
    },
  };
}

/** A Go server, and two TypeScript clients that it can call. */
async function serveTypeScriptClients(): Promise<
  { readonly go: PeerProcess; readonly clients: readonly OwnedConfiguration[] } & AsyncDisposable
> {
  const go = await startGo(goServer);
  const dial = () => connect({ nodes: [go.address], routes: interopRoutes() });
  const clients = await Promise.all([dial(), dial()]);
  await eventually(async () => (await go.nodes("clients")).length === 2);
  return {
    go,
    clients,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(clients.map((client) => client.close()));
      await go.kill();
    },
  };
}

describe("a TypeScript server", () => {
  it("calls its Go clients, which have not called it (F-06, F-18)", async () => {
    await using stage = await serveGoClients(2);
    const clients = createClient(Interop, stage.server.clients);
    expect(await clients.read({ text: "both" }).all((all) => all.map(({ text }) => text))).toEqual([
      "go: both",
      "go: both",
    ]);
    await clients.putAll({ number: 3 });
    for (const node of stage.server.clients) {
      const client = createClient(Interop, node);
      await client.put({ number: 4 });
      // A Go client runs what its server asks in no order (F-23).
      await eventually(async () => (await client.taken({})).numbers.length === 2);
    }
    // And they can call it all the while.
    for (const go of stage.clients) expect((await go.call(method.echo, { text: "up" })).text).toBe("ts: up");
  });

  it("calls its Go clients while it handles a call of one of them", async () => {
    await using stage = await serveGoClients(2);
    for (const go of stage.clients) {
      const { asked, replies } = await go.call(method.askClients, { text: "down" });
      expect(asked).toBe(2);
      expect(replies.map(({ text }) => text)).toEqual(["go: down", "go: down"]);
    }
  });

  it("gets the errors of a Go client, and Unimplemented for what that has no handler for (F-12, J-13)", async () => {
    await using stage = await serveGoClients(1);
    const node = stage.server.clients.node(firstClient);
    await expect(
      createClient(Interop, node).fail({ code: Code.DataLoss, text: "gone" }),
    ).rejects.toMatchObject({
      code: Code.DataLoss,
      message: "gone",
    });
    await expect(createClient(Absent, node).ask({})).rejects.toMatchObject({
      code: Code.Unimplemented,
      message: "no handler registered for method absent.v1.Absent.Ask",
    });
  });

  it("sends metadata that the handlers of a Go client do not get to see (F-19)", async () => {
    await using stage = await serveGoClients(1);
    const client = createClient(Interop, stage.server.clients.node(firstClient));
    const { text, metadata } = await client.echo({ text: "me" }, { metadata: { "x-who": "call" } });
    expect(text).toBe("go: me");
    expect(metadata).toEqual([]);
  });

  it("follows the replies of its Go clients to a correctable call", async () => {
    await using stage = await serveGoClients(2);
    const correctable = createClient(Interop, stage.server.clients)
      .updates({ text: "more", replies: 2 })
      .correctable(4);
    expect((await correctable.result()).text).toBe("go: more 2");
  });

  it("does not count a Go client that offers no way back (F-18), and forgets one that is killed", async () => {
    await using stage = await serveGoClients(0);
    const { server } = stage;
    await using plain = await startGo({ role: "client", nodes: { 1: server.address } });
    await plain.call(method.echo, {});
    expect(server.clients.size).toBe(0);
    await using go = await servingClient(server.address);
    await server.waitForClients(1);
    await go.kill();
    await server.waitForClients(0);
  });
});

describe("a Go server", () => {
  it("calls its TypeScript clients, in the order of its calls, with metadata and errors", async () => {
    await using stage = await serveTypeScriptClients();
    const { go } = stage;
    const on = "clients";
    const outcomes = await go.run("Read", { on }, { text: "both" });
    for (const node of [firstClient, firstClient + 1]) {
      expect(outcomes).toContainEqual({ node, reply: expect.objectContaining({ text: "ts: both" }) });
    }
    const node = firstClient;
    const { metadata } = await go.call(method.echo, {}, { on, node, metadata: { "x-who": "call" } });
    expect(metadata.map(({ key, value }) => `${key}: ${value}`)).toEqual(["x-who: call"]);
    // More than a Go client promises (F-23).
    expect(await go.run("burst", { on, node, count: 1_000 })).toEqual({
      numbers: Array.from({ length: 1_000 }, (_, number) => number),
    });
    await expect(
      go.call(method.fail, { code: Code.DataLoss, text: "gone" }, { on, node }),
    ).rejects.toMatchObject({ code: Code.DataLoss, message: "gone" });
    await expect(go.run("absent", { on, node })).rejects.toMatchObject({
      code: Code.Unimplemented,
      message: "no handler registered for method absent.v1.Absent.Ask",
    });
    expect(await go.run("Updates", { on, count: 6 }, { text: "more", replies: 3 })).toMatchObject({
      level: 6,
      reply: { text: "ts: more 3" },
    });
  });

  it("calls its TypeScript clients while it handles a call of one of them", async () => {
    await using stage = await serveTypeScriptClients();
    const [one] = stage.clients;
    if (one === undefined) throw new Error("there is no client");
    const { asked, replies } = await createClient(Interop, one.node(1)).askClients({ text: "down" });
    expect(asked).toBe(2);
    expect(replies.map(({ text }) => text)).toEqual(["ts: down", "ts: down"]);
  });
});
