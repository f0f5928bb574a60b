import {
  type ClientInterceptor,
  Code,
  connect,
  createServer,
  QuorateError,
  type QuorateEvent,
} from "quorate";
import { createMemoryTransport, type MemoryTransport } from "quorate/testing";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { IncomingRequest } from "../../internal/stream/request-handler.js";
import { Metadata } from "../../internal/wire/metadata.js";
import { callRaw, type RawCall, type RawReply } from "../../src/calls/raw-call.js";
import { peerNodeOf } from "../../src/configuration/node-set.js";
import type { PeerNode } from "../../src/configuration/peer-node.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { TestExtension } from "../server/test-extension.js";

checkLeaks();
afterEach(() => {
  vi.useRealTimers();
});

/** A server that keeps what it is asked, and a node of it. */
async function open(network: MemoryTransport = createMemoryTransport()) {
  const requests: IncomingRequest[] = [];
  const intercepted: string[] = [];
  const events: QuorateEvent[] = [];
  const finish: (() => void)[] = [];
  const handle = (request: IncomingRequest) => {
    requests.push(request);
    request.release();
    return new Promise<void>((resolve) => {
      finish.push(resolve);
    });
  };
  const interceptor: ClientInterceptor = ({ method }) => {
    intercepted.push(method);
    return {};
  };
  const server = await createServer({
    address: "127.0.0.1:0",
    transport: network,
    extensions: [new TestExtension({ handle })],
  });
  const configuration = await connect({
    nodes: { 1: server.address },
    transport: network,
    backoff: { minMs: 1 },
    maxMessageBytes: 1_000,
    clientInterceptors: [interceptor],
    onEvent: (event) => void events.push(event),
  });
  const node = peerNodeOf(configuration.node(1));
  await eventually(() => node.connected);
  return {
    network,
    server,
    node,
    requests,
    intercepted,
    events,
    [Symbol.asyncDispose]: async () => {
      for (const done of finish) done();
      await configuration.close({ graceMs: 0 });
      await server.close({ graceMs: 0 });
    },
  };
}

/** Makes a call, and keeps what it is told. */
function raw(node: PeerNode, call: Partial<RawCall> = {}) {
  const replies: RawReply[] = [];
  const errors: QuorateError[] = [];
  const standard = { method: "a.B.C", payload: Uint8Array.of(7), metadata: Metadata.empty, timeoutMs: 5_000 };
  callRaw(
    node,
    { ...standard, ...call },
    { replied: (reply) => void replies.push(reply), failed: (error) => void errors.push(error) },
  );
  const over = () => eventually(() => replies.length + errors.length === 1);
  return { replies, errors, over };
}

describe("callRaw", () => {
  it("carries payload and metadata as they are, past all interceptors, without a deadline", async () => {
    await using one = await open();
    const call = raw(one.node, { metadata: Metadata.from({ key: "value" }) });
    await eventually(() => one.requests.length === 1);
    const [request] = one.requests;
    expect([...(request?.payload ?? [])]).toEqual([7]);
    expect(request).toMatchObject({ method: "a.B.C", entries: [{ key: "key", value: "value" }] });
    request?.answer({ payload: Uint8Array.of(8), entries: [{ key: "op", value: "3" }] });
    await call.over();
    expect(call.replies[0]).toMatchObject({ error: undefined });
    expect([...(call.replies[0]?.payload ?? [])]).toEqual([8]);
    expect(call.replies[0]?.metadata.getAll("op")).toEqual(["3"]);
    expect(one.intercepted).toEqual([]);
    // Before its first answer a client does not know whether the server takes deadlines.
    const second = raw(one.node);
    await eventually(() => one.requests.length === 2);
    expect(one.requests[1]?.remainingMs()).toBe(Infinity);
    one.requests[1]?.reply(new Uint8Array());
    await second.over();
    expect(one.node.latencyMs).toBeGreaterThanOrEqual(0);
  });

  it("fails when its time is over, and does not tell the peer", async () => {
    await using one = await open();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const call = raw(one.node, { timeoutMs: 1_000 });
    const behind = raw(one.node, { timeoutMs: 60_000, method: "a.B.D" });
    await vi.waitFor(() => expect(one.requests).toHaveLength(2));
    const [request, second] = one.requests;
    await vi.advanceTimersByTimeAsync(1_010);
    expect(call.errors).toMatchObject([{ code: Code.DeadlineExceeded }]);
    // What the client has sent before the answer comes back has reached the server by then.
    second?.reply(new Uint8Array());
    vi.useRealTimers();
    await behind.over();
    const after = raw(one.node);
    await eventually(() => one.requests.length === 3);
    one.requests[2]?.reply(new Uint8Array());
    await after.over();
    expect(request?.signal.aborted).toBe(false);
    // A late answer goes nowhere.
    request?.reply(new Uint8Array());
    await eventually(() => one.events.some(({ kind }) => kind === "lateReply"));
    expect(call).toMatchObject({ replies: [], errors: { length: 1 } });
  });

  it("fails with its stream, and is not sent again", async () => {
    await using one = await open();
    const { stream } = one.node.channel ?? {};
    const call = raw(one.node);
    await eventually(() => one.requests.length === 1);
    one.network.breakStreams(one.server.address);
    await call.over();
    expect(call.errors).toMatchObject([{ reason: "STREAM_LOST" }]);
    await eventually(() => one.node.channel?.stream !== undefined && one.node.channel.stream !== stream);
    const pinned = raw(one.node, { stream });
    expect(pinned.errors).toMatchObject([{ reason: "STREAM_LOST" }]);
    const next = raw(one.node, { stream: one.node.channel?.stream });
    await eventually(() => one.requests.length === 2);
    one.requests[1]?.reply(new Uint8Array());
    await next.over();
    expect(next.errors).toEqual([]);
    expect(one.requests).toHaveLength(2);
  });

  it("is done with a one-way call when the transport has taken it", async () => {
    await using one = await open();
    const call = raw(one.node, { oneWay: true });
    await call.over();
    expect(call.replies).toMatchObject([{ error: undefined }]);
    await eventually(() => one.requests.length === 1);
    expect(one.node.pendingCalls).toBe(0);
  });

  it("refuses more bytes than a message may have", async () => {
    await using one = await open();
    const call = raw(one.node, { payload: new Uint8Array(1_000) });
    expect(call.errors).toMatchObject([{ code: Code.ResourceExhausted }]);
    expect(one.events).toContainEqual({ kind: "limitReached", limit: "messageSize", nodeId: 1 });
  });

  it("tells what the node has answered in place of a reply", async () => {
    await using one = await open();
    const call = raw(one.node);
    await eventually(() => one.requests.length === 1);
    one.requests[0]?.fail(new QuorateError(Code.Aborted, "no", { reason: "SO" }));
    await call.over();
    expect(call.replies).toMatchObject([{ error: { code: Code.Aborted, reason: "SO" } }]);
  });
});
