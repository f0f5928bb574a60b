import { describe, expect, it } from "vitest";
import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import { openDeadlines } from "../../internal/util/deadlines.js";
import { eventually } from "../helpers/eventually.js";
import { FuzzPair, seededRandom } from "../helpers/fuzz-pair.js";
import { checkLeaks } from "../helpers/leaks.js";
import { TestCall } from "../helpers/test-call.js";
import { turn } from "../helpers/turn.js";

checkLeaks();

const seeds = Array.from({ length: 12 }, (_, seed) => seed + 1);
const wide = {};
/** So narrow that reading pauses, calls are refused and calls of ours fail all the time. */
const narrow = { maxQueuedRequests: 3, maxQueuedCalls: 12, maxQueuedCallBytes: 1_500 };

async function play(pair: FuzzPair, steps: number, breaks: boolean): Promise<void> {
  for (let at = 0; at < steps; at++) {
    const dice = pair.below(100);
    if (dice < 60) pair.call();
    else if (dice < 67) pair.some()?.abort(new QuorateError(Code.Canceled, "at random"), true);
    else if (dice < 72) pair.some()?.forget();
    else if (dice < 96 || !breaks) await turn();
    else if (dice < 98) pair.transport.breakStreams(pair.address);
    else if (dice < 99) pair.dialling.connectNow();
    else pair.transport.setDown(pair.address, pair.below(2) === 0);
  }
}

/** At least this stream breaks under its calls, however quick the machine is. */
async function breakOnce(pair: FuzzPair): Promise<void> {
  await eventually(() => pair.dialling.connected && pair.accepting?.connected === true);
  for (let calls = 0; calls < 20; calls++) pair.call();
  for (let turns = pair.below(5); turns > 0; turns--) await turn();
  pair.transport.breakStreams(pair.address);
  for (let turns = 0; turns < 3; turns++) await turn();
}

/** One-way calls that are acknowledged when the stream is closed in order have arrived (J-04). */
async function acknowledgedAtTheEnd(pair: FuzzPair): Promise<TestCall[]> {
  await eventually(() => pair.dialling.connected && pair.accepting?.connected === true);
  for (let turns = 0; turns < 5; turns++) await turn();
  const last = Array.from({ length: 40 }, () => new TestCall({ replies: "none", payload: "none" }));
  for (const call of last) call.on(pair.dialling);
  pair.calls.push(...last);
  for (let turns = pair.below(4); turns > 0; turns--) await turn();
  return last;
}

describe.each([
  ["and streams that live", wide, false],
  ["and narrow limits", narrow, false],
  ["and streams that break", wide, true],
  ["and narrow limits and streams that break", narrow, true],
] as const)("random calls in both directions %s", (_, limits, breaks) => {
  it.each(seeds)("have one outcome each and leave nothing behind (seed %i)", async (seed) => {
    const pair = new FuzzPair(seededRandom(seed), limits);
    await pair.open();
    for (let round = 0; round < 4; round++) {
      await play(pair, 150, breaks);
      pair.transport.setDown(pair.address, false);
      if (breaks) await breakOnce(pair);
    }
    pair.unblock();
    await eventually(() => pair.calls.every(({ released }) => released > 0));
    for (const { call } of pair.calls) call.abort(new QuorateError(Code.Canceled, "the end"), true);
    const last = await acknowledgedAtTheEnd(pair);
    await pair.close();

    expect(pair.calls.filter(({ released }) => released !== 1)).toEqual([]);
    expect(pair.calls.filter((call) => outcomes(call) !== 1)).toEqual([]);
    expect(pair.calls.length).toBeGreaterThan(200);
    const streams = [...pair.accepted].map(({ pendingCalls, stream }) => ({
      pendingCalls,
      requests: stream.requests,
      requestBytes: stream.requestBytes,
    }));
    expect(streams).toEqual(streams.map(() => ({ pendingCalls: 0, requests: 0, requestBytes: 0 })));
    expect(pair.dialling.pendingCalls).toBe(0);
    expect(openDeadlines()).toBe(0);
    for (const numbers of pair.started) expect(numbers).toEqual(increasing(numbers));
    expect(pair.accepted.length > 4).toBe(breaks);
    expect(pair.calls.some(({ replies }) => replies.length > 0)).toBe(true);
    const arrived = new Set(pair.started.flat());
    const acknowledged = last.filter(({ written }) => written > 0);
    expect(acknowledged.filter(({ number }) => !arrived.has(number))).toEqual([]);
    for (const call of pair.calls) expect(call.call.sends).toBeLessThanOrEqual(call.call.resend ? 3 : 1);
  });
});

/**
 * A forgotten call has none that it is told of; a one-way call is over when written, one with one reply by that, one
 * with many by their end or by an error among them.
 */
function outcomes({ call, completed, errors, replies, written }: TestCall): number {
  if (call.forgotten)
    return errors.length + completed === 0 && replies.length <= (call.replies === "many" ? 3 : 1) ? 1 : 0;
  if (call.replies === "none") return errors.length + written;
  if (call.replies === "one") return errors.length + replies.length;
  return errors.length + completed + replies.filter(({ status }) => status !== undefined).length;
}

function increasing(numbers: readonly number[]): number[] {
  return [...new Set(numbers)].sort((a, b) => a - b);
}
