import { Code, createClient, type Handlers, type Node, QuorateError } from "quorate";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { callbackHandlers, echoHandlers } from "../helpers/test-service.js";
import { failureOf } from "./kinds.js";
import { connected, serverAt, transports } from "./stages.js";

checkLeaks();

/** Has a server run `body` in a handler, with its caller, which serves these. */
async function inHandler<T>(
  transport: "memory" | "loopback",
  handlers: Partial<Handlers<typeof Callback>>,
  body: (caller: Node, close: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const outcomes: Promise<T>[] = [];
  let close = async () => {};
  await using cluster = await createLocalCluster(1, {
    transport,
    routes: (router) =>
      router.service(Test, {
        ...echoHandlers(),
        echoUnicast: async (_, { caller }) => {
          if (caller === undefined) throw new Error("no caller");
          const outcome = body(caller, close);
          outcomes.push(outcome);
          await outcome.catch(() => {});
        },
      }),
  });
  const client = await connected(
    cluster.connect({
      metadata: { key: "of the stream" },
      routes: (router) => router.service(Callback, { ...callbackHandlers(), ...handlers }),
    }),
  );
  close = () => client.close();
  const server = serverAt(cluster, 1);
  await server.waitForClients(1);
  await createClient(Callback, server.clients).askAll({}).first();
  await createClient(Test, client.node(1)).echoUnicast({});
  await eventually(() => outcomes.length === 1);
  const [outcome] = outcomes;
  if (outcome === undefined) throw new Error("the handler did not run");
  // Awaited here: the cluster is closed afterwards.
  return await outcome;
}

const untilAborted = (_: unknown, { signal }: { readonly signal: AbortSignal }) =>
  new Promise<object>((resolve) => signal.addEventListener("abort", () => resolve({})));

describe.each(transports)("a handler's calls to its caller, on %s", (transport) => {
  it("yield the reply", async () => {
    const reply = await inHandler(transport, {}, (caller) =>
      createClient(Callback, caller).ask({ value: "x" }),
    );
    expect(reply.value).toBe("asked: x");
  });

  it.each([
    [new QuorateError(Code.NotFound, "no", { reason: "NO_KEY" }), { code: Code.NotFound, reason: "NO_KEY" }],
    [new Error("plain"), { code: Code.Unknown, message: "plain" }],
  ])("[ER-08] fail with what it throws: %s", async (thrown, expected) => {
    const error = await inHandler(transport, { ask: () => Promise.reject(thrown) }, (caller) =>
      failureOf(createClient(Callback, caller).ask({})),
    );
    expect(error).toMatchObject(expected);
  });

  it("[J-13] fail with Unimplemented for what it does not serve", async () => {
    const error = await inHandler(transport, {}, (caller) =>
      failureOf(createClient(Test, caller).echoRPC({})),
    );
    expect(error).toMatchObject({
      code: Code.Unimplemented,
      message: "no handler registered for method test.v1.Test.EchoRPC",
    });
  });

  it.each([
    ["their deadline", () => ({ timeoutMs: 30 }), Code.DeadlineExceeded],
    ["a deadline that has passed", () => ({ timeoutMs: 0 }), Code.DeadlineExceeded],
    ["their signal", () => ({ signal: AbortSignal.timeout(30) }), Code.DeadlineExceeded],
    ["a signal that has ended", () => ({ signal: AbortSignal.abort() }), Code.Canceled],
  ])("end with %s", async (_, options, code) => {
    const error = await inHandler(transport, { ask: untilAborted }, (caller) =>
      failureOf(createClient(Callback, caller).ask({}, options())),
    );
    expect(error.code).toBe(code);
  });

  it("[MD-05] carry the stream's metadata, as its opener knows it, and their own", async () => {
    const ask: Handlers<typeof Callback>["ask"] = (_, { metadata }) => ({
      value: metadata.getAll("key").join(),
    });
    const reply = await inHandler(transport, { ask }, (caller) =>
      createClient(Callback, caller).ask({}, { metadata: { key: "of the call" } }),
    );
    expect(reply.value).toBe("of the stream,of the call");
  });

  it("[UC-01] may be one-way", async () => {
    const received: number[] = [];
    await inHandler(transport, { notifyOne: ({ number }) => received.push(number) }, async (caller) => {
      for (const number of [1, 2, 3]) await createClient(Callback, caller).notifyOne({ number });
      await createClient(Callback, caller).ask({});
    });
    expect(received).toEqual([1, 2, 3]);
  });

  it("fail when it has left", async () => {
    const codes = await inHandler(transport, { ask: untilAborted }, async (caller, close) => {
      const pending = failureOf(createClient(Callback, caller).ask({}));
      await close();
      const later = createClient(Callback, caller);
      const errors = [await pending, await failureOf(later.ask({})), await failureOf(later.notifyOne({}))];
      return errors.map(({ code }) => code);
    });
    expect(codes).toEqual([Code.Unavailable, Code.Unavailable, Code.Unavailable]);
  });
});
