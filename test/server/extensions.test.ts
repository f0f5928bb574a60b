import {
  Code,
  connect,
  createClient,
  createServer,
  type Extension,
  QuorateError,
  type Router,
} from "quorate";
import { createMemoryTransport } from "quorate/testing";
import { describe, expect, it } from "vitest";
import type { IncomingRequest } from "../../internal/stream/request-handler.js";
import { Metadata } from "../../internal/wire/metadata.js";
import { encodeStatus, statusFromError } from "../../internal/wire/status.js";
import { callRaw, type RawReply } from "../../src/calls/raw-call.js";
import { peerNodeOf } from "../../src/configuration/node-set.js";
import { rejectionOf } from "../calls/held-cluster.js";
import { Absent } from "../gen/absent/v1/absent_quorate.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";
import { TestExtension } from "./test-extension.js";

checkLeaks();

const address = "127.0.0.1:0";
const routes = (router: Router) => router.service(Test, echoHandlers());
const echoName = "test.v1.Test.EchoRPC";

/** A server in memory, and a client of it. */
async function open(extensions: readonly Extension[], options: { readonly routes?: typeof routes } = {}) {
  const transport = createMemoryTransport();
  const server = await createServer({ address, transport, routes, ...options, extensions });
  const configuration = await connect({ nodes: { 1: server.address }, transport });
  return {
    transport,
    server,
    configuration,
    node: configuration.node(1),
    client: createClient(Test, configuration.node(1)),
    [Symbol.asyncDispose]: async () => {
      await configuration.close();
      await server.close({ graceMs: 0 });
    },
  };
}

/** Makes a call of bytes, and resolves with what is answered. */
function ask(node: Parameters<typeof peerNodeOf>[0], method: string, payload = new Uint8Array()) {
  return new Promise<RawReply>((resolve, reject) => {
    const call = { method, payload, metadata: Metadata.empty, timeoutMs: 5_000 };
    callRaw(peerNodeOf(node), call, { replied: resolve, failed: reject });
  });
}

describe("extensions of a server", () => {
  it("see a request in their order, before its handler", async () => {
    const told: string[] = [];
    const first = new TestExtension({ name: "first", told });
    const second = new TestExtension({ name: "second", told });
    await using one = await open([first, second]);
    told.splice(0);
    expect(await one.client.echoRPC({ value: "x" })).toMatchObject({ value: "echo: x" });
    expect(told).toEqual([`first: handle ${echoName}`, `second: handle ${echoName}`]);
  });

  it("are told to whom they are added", async () => {
    const extension = new TestExtension();
    await using one = await open([extension]);
    expect(extension.hosts).toMatchObject([{ role: "server", nodeId: undefined, maskErrors: false }]);
    expect(extension.hosts[0]?.calls.maxMessageBytes).toBe(4 * 2 ** 20);
    expect(one.server.address).not.toBe("");
  });

  it("see methods that nobody serves, and payloads that cannot be decoded", async () => {
    const extension = new TestExtension();
    await using one = await open([extension]);
    extension.told.splice(0);
    const absent = await rejectionOf(createClient(Absent, one.node).ask({}));
    expect(absent.code).toBe(Code.Unimplemented);
    const { error } = await ask(one.node, echoName, Uint8Array.of(0xff));
    expect(error?.reason).toBe("UNDECODABLE_REQUEST");
    expect(extension.told).toEqual(["test: handle absent.v1.Absent.Ask", `test: handle ${echoName}`]);
  });

  it("hold the place in the order of the stream until they have answered, or release it", async () => {
    const held: IncomingRequest[] = [];
    const finish: (() => void)[] = [];
    const extension = new TestExtension({
      handle: async (request) => {
        if (request.method === "other") return request.reply(request.payload);
        held.push(request);
        return new Promise((resolve) => {
          finish.push(() => {
            request.reply(request.payload);
            resolve();
          });
        });
      },
    });
    await using one = await open([extension]);
    const calls = ["a", "b", "c"].map((value) => one.client.echoRPC({ value }));
    await eventually(() => held.length === 1);
    await using other = await connect({ nodes: { 1: one.server.address }, transport: one.transport });
    // A round trip on another stream: what could come has come.
    await ask(other.node(1), "other");
    expect(held).toHaveLength(1);
    held[0]?.release();
    await eventually(() => held.length === 2);
    finish[1]?.();
    expect(await calls[1]).toMatchObject({ value: "b" });
    await eventually(() => held.length === 3);
    finish[2]?.();
    finish[0]?.();
    expect(await Promise.all(calls)).toMatchObject([{ value: "a" }, { value: "b" }, { value: "c" }]);
  });

  it("answer with bytes that were encoded before, a status among them, and with metadata", async () => {
    const refused = new QuorateError(Code.NotFound, "not here", { reason: "GONE" });
    const extension = new TestExtension({
      handle: async (request) => {
        const entries = [{ key: "op", value: "7" }];
        if (request.method === "a.B.C") request.answer({ payload: Uint8Array.of(1, 2), entries });
        else request.answer({ status: encodeStatus(statusFromError(refused)), entries });
      },
    });
    await using one = await open([extension]);
    const bytes = await ask(one.node, "a.B.C");
    expect([...bytes.payload]).toEqual([1, 2]);
    expect(bytes.error).toBeUndefined();
    expect(bytes.metadata.getAll("op")).toEqual(["7"]);
    const failed = await ask(one.node, "a.B.D");
    expect(failed.error).toMatchObject({ code: Code.NotFound, message: "not here", reason: "GONE" });
    expect(failed.metadata.getAll("op")).toEqual(["7"]);
    expect(await rejectionOf(one.client.echoRPC({}))).toMatchObject({ reason: "GONE" });
  });

  it("begin to close before the requests are over, and close after the signals of all handlers have ended", async () => {
    const told: string[] = [];
    const extension = new TestExtension({ told });
    let running = () => {};
    const runs = new Promise<void>((resolve) => {
      running = resolve;
    });
    const one = await open([extension], {
      routes: (router) =>
        router
          .service(Test, {
            ...echoHandlers(),
            echoRPC: async (_, { signal }) => {
              running();
              await new Promise<void>((resolve) => {
                signal.addEventListener("abort", () => resolve());
              });
              told.push("the signal ended");
              return {};
            },
          })
          .onClose(() => told.push("what the routes use is closed")),
    });
    const call = rejectionOf(one.client.echoRPC({}));
    await runs;
    told.splice(0);
    await one.server.close({ graceMs: 10 });
    expect(told).toEqual([
      "test: closing",
      "the signal ended",
      "test: close",
      "what the routes use is closed",
    ]);
    expect((await call).code).toBe(Code.Unavailable);
    await one[Symbol.asyncDispose]();
  });
});

describe("a server whose extension cannot be attached", () => {
  it("closes those that were, the last one first, and what the routes have opened, and does not listen", async () => {
    const told: string[] = [];
    const transport = createMemoryTransport();
    const failure = new Error("no");
    const fixed = "127.0.0.1:4711";
    const starting = createServer({
      address: fixed,
      transport,
      routes: (router) => router.onClose(() => told.push("routes")),
      extensions: [
        new TestExtension({ name: "a", told }),
        new TestExtension({ name: "b", told, close: () => Promise.reject(new Error("b does not close")) }),
        new TestExtension({ name: "c", told, attach: () => Promise.reject(failure) }),
        new TestExtension({ name: "d", told }),
      ],
    });
    await expect(starting).rejects.toBe(failure);
    expect(told).toEqual(["a: attach", "b: attach", "c: attach", "b: close", "a: close", "routes"]);
    await using server = await createServer({ address: fixed, transport });
    expect(server.address).toBe(fixed);
  });

  it("says why it cannot listen, when its extensions are closed", async () => {
    const transport = createMemoryTransport();
    await using first = await createServer({ address, transport });
    const extension = new TestExtension({ close: () => Promise.reject(new Error("does not close")) });
    const refused = await rejectionOf(
      createServer({ address: first.address, transport, extensions: [extension] }),
    );
    expect(refused.reason).toBe("LISTEN_FAILED");
    expect(extension.told).toEqual(["test: attach", "test: close"]);
  });

  it.each<[string, Extension[]]>([
    ["the routes", [new TestExtension({ methods: [echoName] })]],
    [
      "another extension",
      [new TestExtension({ methods: ["a.B.C"] }), new TestExtension({ methods: ["d.E.F", "a.B.C"] })],
    ],
  ])("refuses a method that %s already serve, and closes the extension", async (_, extensions) => {
    const transport = createMemoryTransport();
    const refused = await rejectionOf(createServer({ address, transport, routes, extensions }));
    expect(refused).toMatchObject({ code: Code.InvalidArgument });
    expect(refused.message).toMatch(
      /^quorate: the method (test\.v1\.Test\.EchoRPC|a\.B\.C) is served already/,
    );
    for (const extension of extensions) {
      expect(extension).toMatchObject({ told: ["test: attach", "test: close"] });
    }
  });

  it.each([undefined, {}, "sessions"])("takes no %j for an extension", async (value) => {
    const extensions = [value as unknown as Extension];
    const transport = createMemoryTransport();
    const refused = { code: Code.InvalidArgument };
    expect(await rejectionOf(createServer({ address, transport, extensions }))).toMatchObject(refused);
    const nodes = { 1: "127.0.0.1:1" };
    expect(await rejectionOf(connect({ nodes, transport, extensions }))).toMatchObject(refused);
  });
});
