import { Code, createClient, type HandlerContext, QuorateError } from "quorate";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { isSettled, rejectionOf } from "../calls/held-cluster.js";
import { connected, serverAt, transports } from "../conformance/stages.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { callbackHandlers, echoHandlers } from "../helpers/test-service.js";

checkLeaks();

/** One server whose echoRPC waits for the test, request by request, and whose echoPlain answers at once. */
async function openServer(transport: "memory" | "loopback") {
  const running: { value: string; context: HandlerContext; finish: () => void }[] = [];
  const cluster = await createLocalCluster(1, {
    transport,
    routes: (router) =>
      router.service(Test, {
        ...echoHandlers(),
        echoRPC: ({ value }, context) =>
          new Promise((resolve) => {
            running.push({ value, context, finish: () => resolve({ value: `did ${value}` }) });
          }),
      }),
  });
  const server = serverAt(cluster, 1);
  const client = await connected(
    cluster.connect({ routes: (router) => router.service(Callback, callbackHandlers()) }),
  );
  await server.waitForClients(1);
  const test = createClient(Test, client.node(1));
  const next = async (value: string) => {
    await eventually(() => running.some((one) => one.value === value), `the handler of ${value}`);
    const found = running.find((one) => one.value === value);
    if (found === undefined) throw new Error("unreachable");
    return found;
  };
  await test.echoPlain({});
  return { cluster, server, client, test, running, next, [Symbol.asyncDispose]: () => cluster.close() };
}

describe.each(transports)("Server.close, on %s", (transport) => {
  it("[W-33] lets running and queued requests finish, and answers new ones with SERVER_CLOSING", async () => {
    await using one = await openServer(transport);
    const calls = ["a", "b"].map((value) => one.test.echoRPC({ value }).then((reply) => reply.value));
    const first = await one.next("a");
    await eventually(() => one.server.snapshot().streams[0]?.requests === 2);
    const closed = one.server.close();
    const late = await rejectionOf(one.test.echoPlain({}));
    expect(late).toMatchObject({ code: Code.Unavailable, reason: "SERVER_CLOSING" });
    expect(late.message).toBe("quorate: the server is closing");
    expect(await isSettled(closed)).toBe(false);
    first.finish();
    (await one.next("b")).finish();
    expect(await Promise.all(calls)).toEqual(["did a", "did b"]);
    await closed;
    await eventually(() => !one.client.node(1).connected);
    expect(one.server.clients.size).toBe(0);
  });

  it("lets handlers call their callers while it closes", async () => {
    await using one = await openServer(transport);
    const call = one.test.echoRPC({ value: "a" });
    const { context, finish } = await one.next("a");
    const closed = one.server.close();
    const { caller } = context;
    if (caller === undefined) throw new Error("the caller cannot be called");
    expect((await createClient(Callback, caller).ask({ value: "still there?" })).value).toBe(
      "asked: still there?",
    );
    finish();
    await call;
    await closed;
  });

  it("ends the signals of handlers that take longer than graceMs, and does not wait for them", async () => {
    await using one = await openServer(transport);
    const call = rejectionOf(one.test.echoRPC({ value: "stubborn" }));
    const queued = rejectionOf(one.test.echoRPC({ value: "queued" }));
    const { context, finish } = await one.next("stubborn");
    const { signal, connection } = context;
    const startedAt = performance.now();
    await one.server.close({ graceMs: 30 });
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(30);
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toBeInstanceOf(QuorateError);
    expect(connection.closed.aborted).toBe(true);
    expect((await call).code).toBe(Code.Unavailable);
    expect((await queued).code).toBe(Code.Unavailable);
    // It never ran.
    expect(one.running.map(({ value }) => value)).toEqual(["stubborn"]);
    finish();
  });

  it("fails the calls that it has pending, and its own configuration", async () => {
    await using cluster = await createLocalCluster(2, {
      transport,
      routes: (router) =>
        router.service(Test, {
          ...echoHandlers(),
          echoRPC: (_, { signal }) =>
            new Promise((resolve) => signal.addEventListener("abort", () => resolve({}))),
        }),
    });
    const server = serverAt(cluster, 1);
    const { peers, configuration } = server;
    const targets = [peers.node(2), configuration.node(2)];
    // From the first reply on it knows that the other takes cancels.
    for (const node of targets) await createClient(Test, node).echoPlain({});
    const calls = targets.map((node) => rejectionOf(createClient(Test, node).echoRPC({})));
    await eventually(() => targets.every(({ pendingCalls }) => pendingCalls === 1));
    await server.close({ graceMs: 0 });
    for (const error of await Promise.all(calls)) {
      expect(error).toMatchObject({ code: Code.Unavailable, reason: "CLOSED" });
    }
    for (const node of [...configuration, ...peers]) {
      const error = await rejectionOf(createClient(Test, node).echoPlain({}));
      expect(error.code).toBe(Code.Unavailable);
      expect(node.connected).toBe(false);
    }
    expect(server.snapshot()).toMatchObject({
      streams: [],
      clients: [],
      peers: [{ id: 1, connected: false }],
    });
  });

  it("closes once, however often and whenever it is called", async () => {
    await using one = await openServer(transport);
    const call = one.test.echoRPC({ value: "a" });
    const { finish } = await one.next("a");
    const closes: Promise<void>[] = [
      one.server.close(),
      one.server.close({ graceMs: 0 }),
      one.server.close({ graceMs: 5 }),
    ];
    expect(await Promise.all(closes.map(isSettled))).toEqual([false, false, false]);
    finish();
    await call;
    await Promise.all(closes);
    await one.server.close();
  });

  it.each([-1, Number.NaN, "5"])("rejects the graceMs %s, and goes on serving", async (graceMs) => {
    await using one = await openServer(transport);
    expect(await rejectionOf(one.server.close({ graceMs: graceMs as number }))).toMatchObject({
      code: Code.InvalidArgument,
      message: expect.stringContaining("graceMs") as string,
    });
    await one.test.echoPlain({});
  });

  it("takes no new streams while it closes", async () => {
    await using one = await openServer(transport);
    const call = one.test.echoRPC({ value: "a" });
    const { finish } = await one.next("a");
    const closed = one.server.close();
    const late = await one.cluster.connect({
      routes: (router) => router.service(Callback, callbackHandlers()),
    });
    expect((await rejectionOf(createClient(Test, late.node(1)).echoPlain({}))).code).toBe(Code.Unavailable);
    expect(one.server.clients.size).toBe(1);
    finish();
    await call;
    await closed;
  });

  it("is quick with nothing to do", async () => {
    await using cluster = await createLocalCluster(3, { transport });
    await connected(cluster.connect());
    const startedAt = performance.now();
    await Promise.all(cluster.servers.map((server) => server.close()));
    expect(performance.now() - startedAt).toBeLessThan(3_000);
  });
});
