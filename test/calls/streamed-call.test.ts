import { Code, createClient, type HandlerContext, type NodeResponse, type QuorateEvent } from "quorate";
import { createLocalCluster, type LocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import type { EchoRequest, EchoResponse } from "../gen/test/v1/test_pb.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";
import { isSettled, rejectionOf } from "./held-cluster.js";

checkLeaks();

type Stream = (
  request: EchoRequest,
  context: HandlerContext,
  node: number,
) => AsyncIterable<{ value: string }>;

/** Servers whose correctable method is `stream`. */
function streamingCluster(size: number, stream: Stream, transport: "memory" | "loopback" = "memory") {
  return createLocalCluster(size, {
    transport,
    routes: (router, node) =>
      router.service(Test, {
        ...echoHandlers(node),
        echoCorrectable: (request, context) => stream(request, context, node),
      }),
  });
}

function echoCluster(size: number, transport: "memory" | "loopback" = "memory"): Promise<LocalCluster> {
  return createLocalCluster(size, {
    transport,
    routes: (router, node) => router.service(Test, echoHandlers(node)),
  });
}

const brief = (response: NodeResponse<EchoResponse>) =>
  `${response.node.id} ${response.ok ? response.value.value : response.error.code}`;

async function readAll(responses: AsyncIterable<NodeResponse<EchoResponse>>): Promise<string[]> {
  const found: string[] = [];
  for await (const response of responses) found.push(brief(response));
  return found;
}

/** Replies until the caller wants no more; says how often it was left. */
function endless() {
  const state = { running: 0, left: 0 };
  const stream: Stream = async function* ({ value }, { signal }) {
    state.running += 1;
    try {
      for (let at = 1; !signal.aborted; at++) {
        yield { value: `${value}-${at}` };
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      state.left += 1;
    }
  };
  return { state, stream };
}

describe.each(["memory", "loopback"] as const)("a streamed quorum call, on %s", (transport) => {
  it("[CO-02] [CO-10] yields every reply of every node in its order, and ends with the last", async () => {
    await using cluster = await echoCluster(3, transport);
    const client = await cluster.connect();
    const found = await readAll(createClient(Test, client).echoCorrectable({ value: "x" }));
    for (const node of [1, 2, 3]) {
      const own = found.filter((one) => one.startsWith(`${node} `));
      expect(own).toEqual([1, 2, 3].map((at) => `${node} echo: x-${at}`));
    }
    expect(found).toHaveLength(9);
    expect(client.nodes.map((node) => node.pendingCalls)).toEqual([0, 0, 0]);
  });

  it.each([1, 2, 3])("[CO-02] counts every reply of any node towards level %i", async (level) => {
    await using cluster = await echoCluster(1, transport);
    const client = await cluster.connect();
    const correctable = createClient(Test, client).echoCorrectable({ value: "x" }).correctable(level);
    expect(await correctable.result()).toMatchObject({ value: `echo: x-${level}` });
    expect(correctable).toMatchObject({ level, done: true });
  });

  it("[W-12] [W-13] tells servers to stop when its reader leaves, and keeps nothing", async () => {
    const { state, stream } = endless();
    await using cluster = await streamingCluster(2, stream, transport);
    const client = await cluster.connect();
    const seen: string[] = [];
    for await (const response of createClient(Test, client).echoCorrectable({ value: "x" })) {
      seen.push(brief(response));
      if (seen.length === 20) break;
    }
    expect(client.nodes.map((node) => node.pendingCalls)).toEqual([0, 0]);
    await eventually(() => state.running === 2 && state.left === 2, "the end of the handlers");
  });

  it("tells servers to stop when a correctable has reached its target", async () => {
    const { state, stream } = endless();
    await using cluster = await streamingCluster(2, stream, transport);
    const client = await cluster.connect();
    const { level } = await createClient(Test, client).echoCorrectable({}).correctable(7).watch(7);
    expect(level).toBe(7);
    await eventually(() => state.left === 2, "the end of the handlers");
  });

  it("a server may call its clients so, too", async () => {
    await using cluster = await createLocalCluster(1, { transport });
    const [server] = cluster.servers;
    if (server === undefined) throw new Error("no server");
    for (const id of [1, 2]) {
      await cluster.connect({ routes: (router) => router.service(Test, echoHandlers(id)) });
    }
    await server.waitForClients(2);
    const found = await readAll(createClient(Test, server.clients).echoCorrectable({ value: "x" }));
    expect(found).toHaveLength(6);
  });
});

describe("a streamed quorum call", () => {
  it("yields the error of a handler as the last of its node, and the others go on", async () => {
    await using cluster = await streamingCluster(2, async function* ({ value }, _, node) {
      yield { value: `${value}-1` };
      if (node === 2) throw new RangeError("broken");
      yield { value: `${value}-2` };
    });
    const client = await cluster.connect();
    const responses = createClient(Test, client).echoCorrectable({ value: "x" });
    const found = await readAll(responses);
    expect(found.filter((one) => one.startsWith("1 "))).toEqual(["1 x-1", "1 x-2"]);
    expect(found.filter((one) => one.startsWith("2 "))).toEqual(["2 x-1", `2 ${Code.Unknown}`]);
  });

  it("[CO-06] ends at its deadline with an error for every node that had not ended", async () => {
    await using cluster = await streamingCluster(2, async function* ({ value }, { signal }, node) {
      yield { value: `${value}-1` };
      if (node === 1) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    });
    const client = await cluster.connect();
    const call = () => createClient(Test, client).echoCorrectable({ value: "x" }, { timeoutMs: 100 });
    const found = await readAll(call());
    expect(found.toSorted()).toEqual([`1 ${Code.DeadlineExceeded}`, "1 x-1", "2 x-1"]);
    const error = await rejectionOf(call().correctable(3).result());
    expect(error).toMatchObject({ code: Code.DeadlineExceeded, reason: "ENDED" });
  });

  it("is over at once when its signal ends", async () => {
    const { state, stream } = endless();
    await using cluster = await streamingCluster(2, stream);
    const client = await cluster.connect();
    const controller = new AbortController();
    const responses = createClient(Test, client).echoCorrectable({}, { signal: controller.signal });
    const found = readAll(responses);
    await eventually(() => state.running === 2);
    controller.abort();
    expect((await found).slice(-2)).toEqual([`1 ${Code.Canceled}`, `2 ${Code.Canceled}`]);
    await eventually(() => state.left === 2);
  });

  it("[CO-06] fails a correctable when all replies have come and are too few", async () => {
    await using cluster = await echoCluster(2);
    const correctable = createClient(Test, await cluster.connect())
      .echoCorrectable({})
      .correctable(7);
    const error = await rejectionOf(correctable.result());
    expect(error).toMatchObject({ reason: "INCOMPLETE" });
    expect(error.message).toContain("6 of 7 replies from 2 nodes");
    expect(correctable).toMatchObject({ level: 6, done: true });
  });

  it("fails a node whose replies are not read, at the bound, and reads the others", async () => {
    const events: QuorateEvent[] = [];
    const { state, stream } = endless();
    await using cluster = await streamingCluster(2, async function* (request, context, node) {
      if (node === 2) yield { value: "two" };
      else yield* stream(request, context, node);
    });
    const client = await cluster.connect({ maxQueuedReplies: 10, onEvent: (event) => events.push(event) });
    const responses = createClient(Test, client).echoCorrectable({ value: "x" });
    await eventually(() => state.left === 1, "the end of the handler that was not read");
    const found = await readAll(responses);
    expect(found.filter((one) => one.startsWith("2 "))).toEqual(["2 two"]);
    expect(found.filter((one) => one.startsWith("1 "))).toEqual([
      ...Array.from({ length: 10 }, (_, at) => `1 x-${at + 1}`),
      `1 ${Code.ResourceExhausted}`,
    ]);
    expect(events.filter(({ kind }) => kind === "limitReached")).toEqual([
      { kind: "limitReached", limit: "replyQueue", nodeId: 1 },
    ]);
  });

  it("[RQ-01] ends a node whose stream is lost, and does not ask it again", async () => {
    const { state, stream } = endless();
    await using cluster = await streamingCluster(2, stream);
    const client = await cluster.connect();
    const iterator = createClient(Test, client).echoCorrectable({ value: "x" })[Symbol.asyncIterator]();
    await eventually(() => state.running === 2);
    cluster.network.breakStreams(cluster.nodes[1] ?? "");
    let lost: NodeResponse<EchoResponse> | undefined;
    while (lost?.ok !== false) lost = (await iterator.next()).value ?? undefined;
    expect(lost).toMatchObject({ node: { id: 1 }, error: { code: Code.Unavailable } });
    expect((await iterator.next()).value).toMatchObject({ ok: true, node: { id: 2 } });
    await eventually(() => client.node(1).connected);
    expect(state.running).toBe(2);
    await iterator.return?.();
  });

  it("can be read once", async () => {
    await using cluster = await echoCluster(1);
    const responses = createClient(Test, await cluster.connect()).echoCorrectable({ value: "x" });
    expect(await readAll(responses)).toHaveLength(3);
    expect(await rejectionOf(readAll(responses))).toMatchObject({
      code: Code.FailedPrecondition,
      reason: "READ_TWICE",
    });
  });

  it("waits with its replies for a caller that does not read, and holds nobody else up", async () => {
    await using cluster = await streamingCluster(1, async function* ({ value }) {
      for (let at = 1; at <= 200; at++) yield { value: `${value}-${at}` };
    });
    const client = await cluster.connect();
    const responses = createClient(Test, client).echoCorrectable({ value: "x" });
    const { value } = await createClient(Test, client.node(1)).echoRPC({ value: "meanwhile" });
    expect(value).toBe("echo: meanwhile");
    expect(await readAll(responses)).toHaveLength(200);
  });

  it("lets a handler go on only as its replies are taken", async () => {
    let yielded = 0;
    await using cluster = await streamingCluster(
      1,
      async function* () {
        for (let at = 0; at < 100; at++) {
          yielded += 1;
          yield { value: "x".repeat(200_000) };
        }
      },
      "loopback",
    );
    const client = await cluster.connect({ maxQueuedReplies: 200 });
    const found = readAll(createClient(Test, client).echoCorrectable({}));
    expect(await isSettled(found)).toBe(false);
    expect(yielded).toBeLessThan(100);
    expect(await found).toHaveLength(100);
  });

  it("answers Internal if a handler gives nothing to iterate, and with what it rejects with", async () => {
    await using cluster = await createLocalCluster(2, {
      routes: (router, node) =>
        router.service(Test, {
          ...echoHandlers(node),
          echoCorrectable: (async () => {
            if (node === 2) throw new TypeError("no replies");
            return 5;
          }) as never,
        }),
    });
    const found = await readAll(createClient(Test, await cluster.connect()).echoCorrectable({}));
    expect(found.toSorted()).toEqual([`1 ${Code.Internal}`, `2 ${Code.Unknown}`]);
  });

  it("takes replies from anything that can be iterated, in whatever number", async () => {
    await using cluster = await createLocalCluster(2, {
      routes: (router, node) =>
        router.service(Test, {
          ...echoHandlers(node),
          echoCorrectable: () => (node === 1 ? [] : [{ value: "a" }, { value: "b" }]),
        }),
    });
    const found = await readAll(createClient(Test, await cluster.connect()).echoCorrectable({}));
    expect(found).toEqual(["2 a", "2 b"]);
  });
});
