import { createClient } from "quorate";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { connected, serverAt, transports } from "../conformance/stages.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { checkLeaks } from "../helpers/leaks.js";
import { callbackHandlers, echoHandlers } from "../helpers/test-service.js";

checkLeaks();

/** Fails a test that hangs long before its time is over. */
const soon = { timeoutMs: 5_000 };

describe.each(transports)("calls within calls, on %s", (transport) => {
  it("a handler may call its caller without release, many times at once", async () => {
    await using cluster = await createLocalCluster(1, {
      transport,
      routes: (router) =>
        router.service(Test, {
          ...echoHandlers(),
          echoRPC: async ({ value }, { caller }) => {
            if (caller === undefined) throw new Error("no caller");
            return createClient(Callback, caller).ask({ value }, soon);
          },
        }),
    });
    const client = await cluster.connect({
      routes: (router) => router.service(Callback, callbackHandlers()),
    });
    const test = createClient(Test, client.node(1));
    const values = Array.from({ length: 200 }, (_, at) => String(at));
    const replies = await Promise.all(values.map((value) => test.echoRPC({ value }, soon)));
    expect(replies.map(({ value }) => value)).toEqual(values.map((value) => `asked: ${value}`));
  });

  it("[SI-09] both ends may do so at once, on one stream, if they release", async () => {
    await using cluster = await createLocalCluster(1, {
      transport,
      routes: (router) =>
        router.service(Test, {
          ...echoHandlers(),
          echoRPC: async ({ value }, { caller, release }) => {
            if (caller === undefined) throw new Error("no caller");
            release();
            return createClient(Callback, caller).ask({ value: `server asks ${value}` }, soon);
          },
        }),
    });
    const client = await cluster.connect({
      routes: (router) =>
        router.service(Callback, {
          ...callbackHandlers(),
          askAll: async ({ value }, { caller, release }) => {
            if (caller === undefined) throw new Error("no caller");
            release();
            return createClient(Test, caller).echoPlain({ value: `client asks ${value}` }, soon);
          },
        }),
    });
    const server = serverAt(cluster, 1);
    await server.waitForClients(1);
    const fromClient = Array.from({ length: 50 }, (_, at) =>
      createClient(Test, client.node(1)).echoRPC({ value: `${at}` }, soon),
    );
    const fromServer = Array.from({ length: 50 }, (_, at) =>
      createClient(Callback, server.clients)
        .askAll({ value: `${at}` }, soon)
        .first(),
    );
    const inner = (await Promise.all(fromClient)).map(({ value }) => value);
    const outer = (await Promise.all(fromServer)).map(({ value }) => value);
    expect(inner[49]).toBe("asked: server asks 49");
    expect(outer[49]).toBe("echo: client asks 49");
  });

  it.each(["majority", "all", "iterated"] as const)(
    "[SE-03] three servers that ask all of their peers within a call, all called at once: %s",
    async (how) => {
      await using cluster = await createLocalCluster(3, {
        transport,
        routes: (router, node) =>
          router.service(Test, {
            ...echoHandlers(node),
            echoQC: async ({ value }, { peers }) => {
              if (value === "inner") return { value: `inner at ${node}`, server: node };
              const responses = createClient(Test, peers).echoQC({ value: "inner" }, soon);
              if (how !== "iterated") {
                return { value: String(await responses[how](({ length }) => length)), server: node };
              }
              let count = 0;
              for await (const { ok } of responses) if (ok) count += 1;
              return { value: String(count), server: node };
            },
          }),
      });
      const clients = await Promise.all([1, 2, 3].map(() => connected(cluster.connect())));
      const calls = clients.flatMap((client) =>
        Array.from({ length: 30 }, () =>
          createClient(Test, client)
            .echoQC({ value: "outer" }, soon)
            .all((replies) => replies.map(({ value }) => value)),
        ),
      );
      const expected = how === "majority" ? "2" : "3";
      for (const counts of await Promise.all(calls)) expect(counts).toEqual([expected, expected, expected]);
    },
  );

  it("[HB-01] a handler that never returns keeps nobody past the deadline", async () => {
    await using cluster = await createLocalCluster(1, {
      transport,
      routes: (router) =>
        router.service(Test, {
          ...echoHandlers(),
          echoRPC: (_, { signal }) =>
            new Promise((resolve) => signal.addEventListener("abort", () => resolve({}))),
        }),
    });
    const client = await connected(cluster.connect());
    const test = createClient(Test, client.node(1));
    await test.echoPlain({});
    const startedAt = performance.now();
    const codes = new Set<unknown>();
    for (let call = 0; call < 100; call++) {
      await test.echoRPC({}, { timeoutMs: 10 }).catch((error: { code: unknown }) => codes.add(error.code));
    }
    expect([...codes]).toEqual([4]);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect(client.node(1).pendingCalls).toBe(0);
    await test.echoPlain({});
  });
});
