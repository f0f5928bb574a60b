import { createClient, type HandlerContext, type ServerInterceptor } from "quorate";
import { contextSession } from "quorate/context";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import type { Extension } from "../../src/server/extension.js";
import { rejectionOf } from "../calls/held-cluster.js";
import { connected, serverAt, transports, ways } from "../conformance/stages.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";
import { Places } from "./places.js";

checkLeaks();

describe.each(transports)("handlers run outside of their caller's session, on %s:", (transport) => {
  it.each(ways)("$name", async ({ open }) => {
    await using stage = await open(transport);
    const places = new Places();
    let ran = 0;
    stage.handle = ({ value }) => {
      places.note(value);
      ran += 1;
      return {};
    };
    await stage.run((targets) =>
      contextSession.begin(async () => {
        const [node] = targets.nodes;
        if (node === undefined) throw new Error("there is no node");
        const one = createClient(Test, node);
        const all = createClient(Test, targets);
        await Promise.all([
          one.echoRPC({ value: "rpc" }),
          one.echoUnicast({ value: "unicast" }),
          all.echoMulticast({ value: "multicast" }),
          all.echoQC({ value: "quorum call" }).all(),
          all.echoCorrectable({ value: "correctable" }).collect(),
        ]);
        await eventually(() => ran === 11, "all handlers");
      }),
    );
    expect(places.seen).toEqual({
      rpc: "outside",
      unicast: "outside",
      multicast: "outside",
      "quorum call": "outside",
      correctable: "outside",
    });
  });

  it.each(ways)("$name, though all was opened in a session that is open still", async ({ open }) => {
    const places = new Places();
    await contextSession.begin(async () => {
      await using stage = await open(transport);
      stage.handle = () => {
        places.note("handler");
        return {};
      };
      await contextSession.leave(() => stage.run((targets) => createClient(Test, targets).echoQC({}).all()));
      await stage.run((targets) => createClient(Test, targets).echoQC({}).all());
    });
    expect(places.seen).toEqual({ handler: "outside" });
  });
});

/** One server, whose handlers the test gives, and its node for itself. */
async function openOne(
  echoRPC: (request: { readonly value: string }, context: HandlerContext) => object | Promise<object>,
  options: {
    readonly interceptors?: readonly ServerInterceptor[];
    readonly extensions?: readonly Extension[];
  },
) {
  const { interceptors = [], extensions = [] } = options;
  const cluster = await createLocalCluster(1, {
    serverInterceptors: interceptors,
    extensions: () => extensions,
    routes: (router) => router.service(Test, { ...echoHandlers(), echoRPC }),
  });
  const self = serverAt(cluster, 1).peers.node(1);
  return { cluster, self: createClient(Test, self), [Symbol.asyncDispose]: () => cluster.close() };
}

function noting(places: Places): Extension {
  return {
    name: "noting",
    attach: async () => ({
      methods: [],
      handle: (request, stream, next) => {
        places.note("extension of the server");
        return next(request, stream);
      },
      closing: () => places.note("extension that closes"),
      close: async () => places.note("extension that closes"),
    }),
  };
}

describe("outside of its caller's session runs", () => {
  it("an interceptor of the server, and an extension, also when they are closed", async () => {
    const places = new Places();
    await using one = await openOne(() => ({}), {
      interceptors: [
        (call, next) => {
          places.note("interceptor");
          return next(call);
        },
      ],
      extensions: [noting(places)],
    });
    await contextSession.begin(async () => {
      await one.self.echoRPC({});
      await serverAt(one.cluster, 1).close();
    });
    expect(places.seen).toEqual({
      interceptor: "outside",
      "extension of the server": "outside",
      "extension that closes": "outside",
    });
  });

  it("an extension of a client that is closed", async () => {
    const places = new Places();
    await using one = await openOne(() => ({}), {});
    await contextSession.begin(async () => {
      const client = await connected(one.cluster.connect({ extensions: [noting(places)] }));
      await client.close();
    });
    expect(places.seen).toEqual({ "extension that closes": "outside" });
  });

  it("a handler whose request is read because another one lets reading resume in a session of its own", async () => {
    const places = new Places();
    const cluster = await createLocalCluster(2, {
      maxQueuedRequests: 1,
      routes: (router) =>
        router.service(Test, {
          ...echoHandlers(),
          echoRPC: async ({ value }, { caller, release }) => {
            places.note(value);
            if (value !== "first" || caller === undefined) return {};
            release();
            return contextSession.begin(async () => {
              // While it waits for an answer on its stream, more than one request may be read.
              const answer = createClient(Test, caller).echoPlain({});
              await eventually(() => places.has("second"));
              return answer;
            });
          },
        }),
    });
    await using _ = { [Symbol.asyncDispose]: () => cluster.close() };
    const test = createClient(Test, serverAt(cluster, 1).configuration.node(2));
    await Promise.all([test.echoRPC({ value: "first" }), test.echoRPC({ value: "second" })]);
    expect(places.seen).toEqual({ first: "outside", second: "outside" });
  });

  it.each<{ how: string; end: (abort: () => void, close: () => Promise<void>) => unknown }>([
    { how: "its caller cancels", end: (abort) => abort() },
    { how: "its server is closed", end: (_, close) => close() },
  ])("what listens to the signal of a handler on the self node when $how", async ({ end }) => {
    const places = new Places();
    let running = false;
    await using one = await openOne(
      (_, { signal }) =>
        new Promise((resolve) => {
          running = true;
          signal.addEventListener("abort", () => {
            places.note("signal");
            resolve({});
          });
        }),
      {},
    );
    const controller = new AbortController();
    await contextSession.begin(async () => {
      const call = rejectionOf(one.self.echoRPC({}, { signal: controller.signal }));
      await eventually(() => running);
      const close = () => serverAt(one.cluster, 1).close({ graceMs: 0 });
      await end(() => controller.abort(), close);
      await call;
      await eventually(() => places.has("signal"));
    });
    expect(places.seen).toEqual({ signal: "outside" });
  });

  it.each(transports)("what listens to a connection that ends, on %s", async (transport) => {
    const places = new Places();
    const cluster = await createLocalCluster(1, {
      transport,
      onConnect: ({ closed }) => closed.addEventListener("abort", () => places.note("closed")),
      onClientsChange: () => places.note("clients"),
      routes: (router) => router.service(Test, echoHandlers()),
    });
    await using _ = { [Symbol.asyncDispose]: () => cluster.close() };
    const client = await contextSession.begin(async () => {
      const opened = await connected(cluster.connect({ routes: () => {} }));
      await eventually(() => places.has("clients"));
      return opened;
    });
    await contextSession.begin(async () => {
      await client.close();
      await eventually(() => places.has("closed"));
      await eventually(() => serverAt(cluster, 1).clients.size === 0);
    });
    expect(places.seen).toEqual({ closed: "outside", clients: "outside" });
  });
});
