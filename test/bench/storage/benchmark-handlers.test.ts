import { create } from "@bufbuild/protobuf";
import type { HandlerContext } from "quorate";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { benchmarkHandlers, slowServerMs } from "../../../bench/storage/benchmark-handlers.js";
import { benchmarks } from "../../../bench/storage/benchmarks.js";
import {
  EchoSchema,
  StartRequestSchema,
  StopRequestSchema,
  TimedMessageSchema,
} from "../../../bench/storage/gen/bench/v1/benchmark_pb.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { turn } from "../../helpers/turn.js";

checkLeaks();

const start = create(StartRequestSchema);
const stop = create(StopRequestSchema);
const echo = create(EchoSchema, { payload: Uint8Array.of(1, 2, 3) });
const sentAt = (sendTimeMs: number) => create(TimedMessageSchema, { sendTimeMs });

let lastId = 0;
/** What a handler sees of one client, and what ends its stream. */
function openClient() {
  const closed = new AbortController();
  const release = vi.fn<() => void>();
  lastId += 1;
  const connection = { id: lastId, closed: closed.signal };
  const context = { connection, release, signal: closed.signal } as unknown as HandlerContext;
  return { context, release, close: () => closed.abort(new Error("is gone")) };
}

describe("the handlers of a benchmark server", () => {
  it("[BM-10] measure from the send time inside of a message to its arrival, by the clock of the server", async () => {
    let now = 1_000;
    const handlers = benchmarkHandlers(() => now);
    const { context } = openClient();
    await handlers.startServerBenchmark(start, context);
    await handlers.multicast(sentAt(990), context);
    now = 2_000;
    await handlers.multicast(sentAt(1_980), context);
    const result = await handlers.stopServerBenchmark(stop, context);
    expect(result).toMatchObject({ count: 2n, meanMs: 15, squares: 50 });
    expect(result.elapsedMs).toBeGreaterThan(0);
    expect(result.memory?.heapBytes).toBeGreaterThan(0n);
  });

  it("count what comes within a measurement alone, and begin each from 0", async () => {
    const handlers = benchmarkHandlers(() => 10);
    const { context } = openClient();
    await handlers.multicast(sentAt(0), context);
    await handlers.startServerBenchmark(start, context);
    await handlers.multicast(sentAt(9), context);
    expect(await handlers.stopServerBenchmark(stop, context)).toMatchObject({ count: 1n, meanMs: 1 });
    await handlers.multicast(sentAt(0), context);
    await handlers.startServerBenchmark(start, context);
    await handlers.multicast(sentAt(7), context);
    // A measurement that was not ended makes way for the next.
    await handlers.startServerBenchmark(start, context);
    await handlers.multicast(sentAt(8), context);
    expect(await handlers.stopServerBenchmark(stop, context)).toMatchObject({ count: 1n, meanMs: 2 });
  });

  it("[W-34] end a measurement in which nothing came", async () => {
    const handlers = benchmarkHandlers();
    const { context } = openClient();
    await handlers.startServerBenchmark(start, context);
    const result = await handlers.stopServerBenchmark(stop, context);
    expect(result).toMatchObject({ count: 0n, meanMs: 0, squares: 0 });
  });

  it("keep the measurements of clients apart", async () => {
    const handlers = benchmarkHandlers(() => 10);
    const [one, other] = [openClient(), openClient()];
    await handlers.startServerBenchmark(start, one.context);
    await handlers.startServerBenchmark(start, other.context);
    await handlers.multicast(sentAt(4), other.context);
    expect(await handlers.stopServerBenchmark(stop, one.context)).toMatchObject({ count: 0n });
    expect(await handlers.stopServerBenchmark(stop, other.context)).toMatchObject({ count: 1n, meanMs: 6 });
  });

  it("refuse to end a measurement that was not started, or is over", async () => {
    const handlers = benchmarkHandlers();
    const { context } = openClient();
    expect(() => handlers.stopBenchmark(stop, context)).toThrow("no measurement was started on this stream");
    await handlers.startBenchmark(start, context);
    expect(await handlers.stopBenchmark(stop, context)).toMatchObject({ heapBytes: expect.any(BigInt) });
    expect(() => handlers.stopServerBenchmark(stop, context)).toThrow("no measurement was started");
  });

  it("let go of the measurement of a client that is gone", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const handlers = benchmarkHandlers();
    const { close, context } = openClient();
    await handlers.startBenchmark(start, context);
    expect(vi.getTimerCount()).toBe(1);
    close();
    expect(vi.getTimerCount()).toBe(0);
    expect(() => handlers.startBenchmark(start, context)).toThrow("is gone");
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });
});

describe("SlowServer", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("[W-34] takes as long as its description says, and holds nobody up meanwhile", async () => {
    const { description } = benchmarks.find(({ name }) => name === "SlowServer") ?? { description: "" };
    const [, said] = /\b(\d+) ms\b/.exec(description) ?? [];
    const { context, release } = openClient();
    let answer: unknown;
    const handled = Promise.resolve(benchmarkHandlers().slowServer(echo, context)).then((reply) => {
      answer = reply;
    });
    expect(release).toHaveBeenCalledOnce();
    await vi.advanceTimersByTimeAsync(Number(said) - 1);
    expect(answer).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    await handled;
    expect(answer).toEqual({ payload: Uint8Array.of(1, 2, 3) });
  });

  it("waits on if its timer fires early", async () => {
    const now = vi.spyOn(performance, "now");
    now.mockReturnValue(100);
    let answered = false;
    const handled = Promise.resolve(benchmarkHandlers().slowServer(echo, openClient().context)).then(() => {
      answered = true;
    });
    now.mockReturnValue(100 + slowServerMs - 0.5);
    await vi.advanceTimersByTimeAsync(slowServerMs);
    expect(answered).toBe(false);
    now.mockReturnValue(100 + slowServerMs);
    await vi.advanceTimersByTimeAsync(1);
    await handled;
    expect(answered).toBe(true);
  });

  it("waits no longer for a caller that is gone", async () => {
    const { close, context } = openClient();
    const handled = benchmarkHandlers().slowServer(echo, context);
    await turn();
    close();
    await handled;
    expect(vi.getTimerCount()).toBe(0);
  });
});
