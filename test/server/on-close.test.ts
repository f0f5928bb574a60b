import { Code, connect, createClient, createServer, QuorateError } from "quorate";
import { createMemoryTransport } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { rejectionOf } from "../calls/held-cluster.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";

checkLeaks();

const address = "127.0.0.1:0";

describe("Router.onClose", () => {
  it("[SY-01] closes everything that it was given when the server has closed, the last one first", async () => {
    const closed: string[] = [];
    const transport = createMemoryTransport();
    const server = await createServer({
      address,
      transport,
      routes: (router) =>
        router
          .service(Test, echoHandlers())
          .onClose(async () => {
            await new Promise((resolve) => setImmediate(resolve));
            closed.push("table");
          })
          .onClose(() => closed.push("log")),
    });
    await using client = await connect({ nodes: [server.address], transport });
    await createClient(Test, client.node(1)).echoRPC({});
    expect(closed).toEqual([]);
    await server.close();
    expect(closed).toEqual(["log", "table"]);
    await server.close();
    expect(closed).toEqual(["log", "table"]);
  });

  it("waits for the handlers that still run", async () => {
    const order: string[] = [];
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const transport = createMemoryTransport();
    const server = await createServer({
      address,
      transport,
      routes: (router) =>
        router
          .service(Test, {
            ...echoHandlers(),
            echoRPC: async () => {
              await gate;
              order.push("handler");
              return {};
            },
          })
          .onClose(() => order.push("closer")),
    });
    await using client = await connect({ nodes: [server.address], transport });
    const call = createClient(Test, client.node(1)).echoRPC({});
    const plain = createClient(Test, client.node(1)).echoUnicast({});
    await plain;
    const closing = server.close();
    open();
    await call;
    await closing;
    expect(order).toEqual(["handler", "closer"]);
  });

  it("[SY-02] calls all, whatever they throw, and then close() rejects with what they threw", async () => {
    const closed: string[] = [];
    const server = await createServer({
      address,
      routes: (router) =>
        router
          .onClose(() => closed.push("first"))
          .onClose(() => {
            throw new RangeError("the table is stuck");
          })
          .onClose(() => Promise.reject(new TypeError("no log"))),
    });
    const error = await rejectionOf(server.close());
    expect(closed).toEqual(["first"]);
    expect(error).toMatchObject({ code: Code.Internal, reason: "CLOSE_FAILED" });
    expect(error.message).toContain("the table is stuck");
    expect((error.cause as AggregateError).errors.map(String)).toEqual([
      "TypeError: no log",
      "RangeError: the table is stuck",
    ]);
    // The port is free all the same.
    await using again = await createServer({ address: server.address });
    expect(again.address).toBe(server.address);
  });

  it("[SY-08] is called when a server cannot listen, or its routes throw", async () => {
    const closed: string[] = [];
    await using server = await createServer({ address });
    const taken = createServer({
      address: server.address,
      routes: (router) => router.onClose(() => closed.push("could not listen")),
    });
    expect(await rejectionOf(taken)).toMatchObject({ code: Code.Unavailable, reason: "LISTEN_FAILED" });
    const broken = createServer({
      address,
      routes: (router) => {
        router.onClose(() => closed.push("routes threw"));
        throw new QuorateError(Code.DataLoss, "no table");
      },
    });
    expect(await rejectionOf(broken)).toMatchObject({ message: "no table" });
    expect(closed).toEqual(["could not listen", "routes threw"]);
  });

  it("is called when a connection has closed", async () => {
    const closed: string[] = [];
    await using server = await createServer({ address });
    const client = await connect({
      nodes: [server.address],
      routes: (router) => router.onClose(() => closed.push("client")),
    });
    await client.close();
    await client.close();
    expect(closed).toEqual(["client"]);
  });

  it("refuses what is no function", async () => {
    const refused = createServer({ address, routes: (router) => router.onClose(5 as never) });
    expect(await rejectionOf(refused)).toMatchObject({ code: Code.InvalidArgument });
  });
});
