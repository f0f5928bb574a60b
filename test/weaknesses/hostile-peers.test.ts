import { Code, connect, createClient, createServer, type HandlerContext, type QuorateError } from "quorate";
import { describe, expect, it } from "vitest";
import { decodeEnvelope } from "../../internal/wire/decode-envelope.js";
import { rejectionOf } from "../calls/held-cluster.js";
import { connected } from "../conformance/stages.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { callbackHandlers, echoHandlers } from "../helpers/test-service.js";
import { failOnUnhandled } from "../helpers/unhandled.js";
import { envelopeBytes, openRawClient, openRawServer } from "../transport/raw-peers.js";
import { echoRPC, replyPayload, requestPayload } from "./echo-envelopes.js";

checkLeaks();
failOnUnhandled();

const notMethods = [
  "",
  ".",
  "no.such.Method",
  "test.v1.Test",
  "test.v1.EchoRequest",
  "google.protobuf.Empty",
  "__proto__",
  "constructor",
  "toString",
];

describe("a peer that names as a method what is none", () => {
  it.each([...notMethods, "test.v1.Test.EchoUnicast", "test.v1.Callback.Notify"])(
    "[W-17] such as %j in its replies, is understood by what was asked",
    async (method) => {
      await using server = await openRawServer((stream) => {
        stream.on("data", (bytes: Buffer) => {
          const { number } = decodeEnvelope(bytes);
          stream.write(envelopeBytes({ number, method, payload: replyPayload("here") }));
        });
      });
      await using configuration = await connected(connect({ nodes: [server.address] }));
      await expect(createClient(Test, configuration.node(1)).echoRPC({})).resolves.toMatchObject({
        $typeName: "test.v1.EchoResponse",
        value: "here",
      });
      await expect(createClient(Test, configuration).echoQC({}).all()).resolves.toMatchObject({
        value: "here",
      });
      expect(server.streams).toHaveLength(1);
    },
  );

  it.each(notMethods)(
    "[W-17] such as %j in its requests, is told so, by a server and by a client",
    async (method) => {
      const unimplemented = {
        code: Code.Unimplemented,
        message: `no handler registered for method ${method}`,
      };
      await using server = await createServer({
        address: "127.0.0.1:0",
        routes: (router) => router.service(Test, echoHandlers(1)),
      });
      using client = openRawClient(server.address);
      client.read();
      client.send({ number: 1, method });
      client.send({ number: 2, method: echoRPC });
      await eventually(() => client.received.length === 2, "both replies");
      const [refused, answered] = client.received.map((bytes) => decodeEnvelope(bytes));
      expect(refused).toMatchObject({ number: 1, status: unimplemented });
      expect(answered).toMatchObject({ number: 2, status: undefined });

      const replies: Buffer[] = [];
      await using foreign = await openRawServer((stream) => {
        stream.on("data", (bytes: Buffer) => replies.push(bytes));
        stream.write(envelopeBytes({ number: 1, serverInitiated: true, method }));
      });
      await using _ = await connect({
        nodes: [foreign.address],
        routes: (router) => router.service(Callback, callbackHandlers()),
      });
      await eventually(() => replies.length === 1, "the reply of the client");
      expect(decodeEnvelope(replies[0] ?? Buffer.alloc(0))).toMatchObject({
        number: 1,
        status: unimplemented,
      });
    },
  );
});

describe("a peer that answers with bytes that are no message", () => {
  it("[W-17] fails its own calls, and no others", async () => {
    await using server = await openRawServer((stream) => {
      stream.on("data", (bytes: Buffer) => {
        const payload = Buffer.from("ffffffffffffffffffffff", "hex");
        stream.write(envelopeBytes({ ...decodeEnvelope(bytes), payload }));
      });
    });
    await using other = await createServer({
      address: "127.0.0.1:0",
      routes: (router) => router.service(Test, echoHandlers(2)),
    });
    await using configuration = await connected(connect({ nodes: [server.address, other.address] }));
    const asked = createClient(Test, configuration).echoQC({});
    const outcomes = new Map<number, unknown>();
    for await (const response of asked) {
      outcomes.set(response.node.id, response.ok ? response.value.server : response.error.code);
    }
    expect(outcomes).toEqual(
      new Map([
        [1, Code.Internal],
        [2, 2],
      ]),
    );
  });
});

/** What a handler may do wrong. */
const mistakes: readonly [string, (context: HandlerContext) => unknown][] = [
  [
    "throws",
    () => {
      throw new Error("oops");
    },
  ],
  ["rejects", () => Promise.reject(new Error("oops"))],
  [
    "throws nothing",
    () => {
      // oxlint-disable-next-line typescript/only-throw-error -- Handlers may be written so.
      throw undefined;
    },
  ],
  // oxlint-disable-next-line typescript/prefer-promise-reject-errors
  ["rejects with a string", () => Promise.reject("oops")],
  // oxlint-disable-next-line typescript/prefer-promise-reject-errors
  ["rejects with an object without prototype", () => Promise.reject(Object.create(null))],
  [
    "throws after it has released",
    (context) => {
      context.release();
      throw new Error("oops");
    },
  ],
  ["returns what is no message", () => ({ server: -1 })],
  ["calls nobody", async ({ peers }) => createClient(Test, peers).echoQC({}).all()],
];

describe("a handler", () => {
  it.each(mistakes)("[W-17] that %s, fails its call, and the server goes on", async (_, handle) => {
    let oneWay = 0;
    const wrong = handle as () => Promise<{ value: string }>;
    await using server = await createServer({
      address: "127.0.0.1:0",
      routes: (router) =>
        router.service(Test, {
          ...echoHandlers(1),
          echoRPC: wrong,
          echoUnicast: (_, context) => {
            oneWay += 1;
            return (handle as (context: HandlerContext) => Promise<object>)(context);
          },
        }),
    });
    using plain = openRawClient(server.address);
    plain.read();
    await using configuration = await connected(connect({ nodes: [server.address] }));
    const client = createClient(Test, configuration.node(1));
    expect(Object.values(Code)).toContain((await rejectionOf(client.echoRPC({}))).code);
    await client.echoUnicast({});
    await expect(client.echoPlain({ value: "on" })).resolves.toMatchObject({ value: "echo: on" });
    expect(oneWay).toBe(1);
    plain.send({ number: 1, method: echoRPC, payload: requestPayload("x") });
    await eventually(() => plain.received.length === 1, "the error");
    expect(decodeEnvelope(plain.received[0] ?? Buffer.alloc(0)).status?.code).toBeGreaterThan(0);
    expect(server.snapshot().streams).toHaveLength(2);
  });

  it("[W-17] of a client that throws, fails the call of its server", async () => {
    await using server = await createServer({ address: "127.0.0.1:0" });
    await using configuration = await connect({
      nodes: [server.address],
      routes: (router) =>
        router.service(Callback, {
          ...callbackHandlers(),
          ask: () => {
            throw new Error("oops");
          },
        }),
    });
    await server.waitForClients(1);
    const [node] = server.clients.nodes;
    if (node === undefined) throw new Error("no client");
    const client = createClient(Callback, node);
    expect(await rejectionOf(client.ask({}))).toMatchObject({ code: Code.Unknown, message: "oops" });
    expect(configuration.node(1).connected).toBe(true);
  });

  it("[W-17] of a server without peers and clients has empty configurations to call", async () => {
    const outcomes: unknown[] = [];
    await using server = await createServer({
      address: "127.0.0.1:0",
      routes: (router) =>
        router.service(Test, {
          ...echoHandlers(1),
          echoRPC: async (_, { peers, clients }) => {
            for (const nobody of [peers, clients]) {
              const test = createClient(Test, nobody);
              outcomes.push(nobody.size, await test.echoMulticast({}));
              outcomes.push(
                await test
                  .echoQC({})
                  .majority()
                  .catch(({ reason }: QuorateError) => reason),
              );
            }
            return {};
          },
        }),
    });
    await using configuration = await connected(connect({ nodes: [server.address] }));
    await createClient(Test, configuration.node(1)).echoRPC({});
    const one = [0, undefined, "EMPTY_CONFIGURATION"];
    expect(outcomes).toEqual([...one, ...one]);
  });
});
