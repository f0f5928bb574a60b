import {
  Code,
  connect,
  createClient,
  createServer,
  type PeerOptions,
  QuorateError,
  type QuorateEvent,
} from "quorate";
import { describe, expect, it } from "vitest";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";

checkLeaks();

const small = 1_000;
const large = 1_000_000;

/** A server that answers with as many bytes as it is asked for (`delayMs`), and a client of it. */
async function openPair(limits: {
  server: Pick<PeerOptions, "maxMessageBytes">;
  client: Pick<PeerOptions, "maxMessageBytes">;
}) {
  const events: QuorateEvent[] = [];
  let requests = 0;
  const server = await createServer({
    address: "127.0.0.1:0",
    ...limits.server,
    routes: (router) =>
      router.service(Test, {
        ...echoHandlers(1),
        echoRPC: ({ value, delayMs }) => {
          requests += 1;
          return { value, data: new Uint8Array(delayMs) };
        },
      }),
  });
  const configuration = await connect({
    nodes: [server.address],
    backoff: { minMs: 1, maxMs: 10 },
    ...limits.client,
    onEvent: (event) => events.push(event),
  });
  const client = createClient(Test, configuration.node(1));
  return {
    ask: (size: { request?: number; reply?: number; value?: string }) =>
      client.echoRPC(
        { value: size.value ?? "", delayMs: size.reply ?? 0, data: new Uint8Array(size.request ?? 0) },
        { waitForReady: true },
      ),
    /** How often the stream was lost. */
    losses: () => events.filter((event) => event.kind === "streamEnded").length,
    requests: () => requests,
    [Symbol.asyncDispose]: async () => {
      await configuration.close();
      await server.close();
    },
  };
}

const tooLarge = { code: Code.ResourceExhausted, reason: "MESSAGE_TOO_LARGE" };

describe("a message above maxMessageBytes", () => {
  it.each([
    ["a request above our own limit", { server: large, client: small }, { request: 1_100 }, 0],
    ["a reply above the limit of the server", { server: small, client: large }, { reply: 1_100 }, 1],
    [
      "a request above the limit of the server, below four times it",
      { server: small, client: large },
      { request: 3_800 },
      0,
    ],
    [
      "a reply above our own limit, below four times it",
      { server: large, client: small },
      { reply: 3_800 },
      1,
    ],
  ])("[J-06] fails its call alone: %s", async (_, { server, client }, size, served) => {
    await using pair = await openPair({
      server: { maxMessageBytes: server },
      client: { maxMessageBytes: client },
    });
    await pair.ask({ value: "first" });
    const before = pair.ask({ value: "before" });
    const failing = pair.ask(size);
    const after = pair.ask({ value: "after" });
    await expect(failing).rejects.toMatchObject(tooLarge);
    await expect(Promise.all([before, after])).resolves.toMatchObject([
      { value: "before" },
      { value: "after" },
    ]);
    expect(pair.losses()).toBe(0);
    expect(pair.requests()).toBe(3 + served);
  });

  it("[J-06] is told by its size in bytes on the wire, and a message of exactly the limit goes through", async () => {
    await using pair = await openPair({
      server: { maxMessageBytes: large },
      client: { maxMessageBytes: small },
    });
    const failed: unknown[] = [];
    for (let size = small; failed.length === small - size; size--) {
      await pair.ask({ request: size }).catch((error: unknown) => failed.push(error));
    }
    // The envelope takes something, and not much.
    expect(failed.length).toBeGreaterThan(20);
    expect(failed.length).toBeLessThan(60);
    expect(failed.map((error) => QuorateError.from(error).reason)).toEqual(
      failed.map(() => "MESSAGE_TOO_LARGE"),
    );
    expect(pair.losses()).toBe(0);
  });

  it.each([
    ["a request", { server: small, client: large }, { request: 5_000 }],
    ["a reply", { server: large, client: small }, { reply: 5_000 }],
  ])(
    "[J-06] [W-03] ends the stream above four times the limit, once: %s",
    async (_, { server, client }, size) => {
      await using pair = await openPair({
        server: { maxMessageBytes: server },
        client: { maxMessageBytes: client },
      });
      await pair.ask({ value: "first" });
      await expect(pair.ask(size)).rejects.toMatchObject({
        code: Code.Unavailable,
        reason: "STREAM_LOST",
        cause: expect.objectContaining({ code: Code.ResourceExhausted }),
      });
      await expect(pair.ask({ value: "next" })).resolves.toMatchObject({ value: "next" });
      await eventually(() => pair.losses() === 1, "the loss to be told");
    },
  );

  it("[J-06] on one stream leaves other streams of the server alone", async () => {
    const server = await createServer({
      address: "127.0.0.1:0",
      maxMessageBytes: small,
      routes: (router) => router.service(Test, echoHandlers(1)),
    });
    const ended: QuorateEvent[] = [];
    const [offender, other] = await Promise.all([
      connect({ nodes: [server.address] }),
      connect({ nodes: [server.address], onEvent: (event) => ended.push(event) }),
    ]);
    await createClient(Test, other.node(1)).echoRPC({ value: "warm" });
    const offence = createClient(Test, offender.node(1)).echoRPC({ data: new Uint8Array(5_000) });
    await expect(offence).rejects.toMatchObject({ code: Code.Unavailable });
    await expect(createClient(Test, other.node(1)).echoRPC({ value: "on" })).resolves.toMatchObject({
      value: "echo: on",
    });
    expect(ended.map((event) => event.kind)).toEqual(["streamOpened"]);
    await Promise.all([offender.close(), other.close()]);
    await server.close();
  });
});
