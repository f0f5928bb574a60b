import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { AppendQueue, type AppendQueueLimits } from "../../../src/sessions/commit-log/append-queue.js";
import { AppendError } from "../../../src/sessions/commit-log/log-errors.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { turn } from "../../helpers/turn.js";
import { bytes, text, texts } from "./log-helpers.js";

checkLeaks();

interface Batch {
  readonly entries: readonly string[];
  readonly done: (firstOp: number) => void;
  readonly failed: (error: Error) => void;
}

/** A queue whose batches are finished by hand. */
function manualQueue(limits: Partial<AppendQueueLimits> = {}) {
  const batches: Batch[] = [];
  const queue = new AppendQueue(
    {
      maxEntryBytes: 100,
      maxWaitingAppends: 10,
      maxWaitingBytes: 1_000,
      maxBatchBytes: 1_000,
      maxBatchEntries: 100,
      ...limits,
    },
    (entries) =>
      new Promise((resolve, reject) => {
        const done = (firstOp: number) => resolve((index) => firstOp + index);
        batches.push({ entries: entries.map(text), done, failed: reject });
      }),
  );
  const append = (...each: readonly string[]) => each.map((entry) => queue.append(bytes(entry)));
  const batch = async (at: number): Promise<Batch> => {
    await eventually(() => batches.length > at, `batch ${at}`);
    return batches[at] as Batch;
  };
  return { queue, batches, append, batch };
}

describe("AppendQueue", () => {
  it("writes the appends of one turn at once, in the order of the calls", async () => {
    const { append, batch, batches } = manualQueue();
    const ops = append("a", "b");
    await Promise.resolve();
    ops.push(...append("c"));
    const { entries, done } = await batch(0);
    expect(entries).toEqual(["a", "b", "c"]);
    done(7);
    expect(await Promise.all(ops)).toEqual([7, 8, 9]);
    expect(batches).toHaveLength(1);
  });

  it("writes a batch only after the one before, with all that came meanwhile", async () => {
    const { append, batch, batches } = manualQueue();
    const ops = append("a");
    const first = await batch(0);
    ops.push(...append("b"));
    await turn();
    ops.push(...append("c"));
    await turn();
    expect(batches).toHaveLength(1);
    first.done(1);
    const second = await batch(1);
    expect(second.entries).toEqual(["b", "c"]);
    second.done(2);
    expect(await Promise.all(ops)).toEqual([1, 2, 3]);
  });

  it("takes those who were woken by a batch into the next one", async () => {
    const { append, batch } = manualQueue();
    const [op] = append("a");
    const woken = op?.then(() => Promise.all(append("d")));
    const first = await batch(0);
    const waiting = append("b", "c");
    first.done(1);
    const second = await batch(1);
    expect(second.entries).toEqual(["b", "c", "d"]);
    second.done(2);
    expect([await Promise.all(waiting), await woken]).toEqual([[2, 3], [4]]);
  });

  it("bounds the bytes of a batch, but takes a larger entry alone", async () => {
    const { append, batch } = manualQueue({ maxBatchBytes: 5 });
    const ops = append("aa", "bb", "cc", "a large one", "d");
    for (const [at, entries] of [["aa", "bb"], ["cc"], ["a large one"], ["d"]].entries()) {
      const next = await batch(at);
      expect(next.entries).toEqual(entries);
      next.done(at * 10);
    }
    expect(await Promise.all(ops)).toEqual([0, 1, 10, 20, 30]);
  });

  it.each([
    { bound: "their number", limits: { maxWaitingAppends: 3 } },
    { bound: "their bytes", limits: { maxWaitingBytes: 7 } },
  ])("refuses more than may wait, by $bound, and takes the others", async ({ limits }) => {
    const { append, batch } = manualQueue(limits);
    const ops = append("e1");
    const first = await batch(0);
    ops.push(...append(...texts(3, 2)));
    await expect(append("e5")[0]).rejects.toMatchObject({
      outcome: "not-appended",
      code: Code.ResourceExhausted,
      reason: "LOG_QUEUE_FULL",
    });
    first.done(1);
    const second = await batch(1);
    ops.push(...append("e6"));
    second.done(2);
    (await batch(2)).done(5);
    expect(await Promise.all(ops)).toEqual([1, 2, 3, 4, 5]);
  });

  it("gives all appends of a batch its error, and goes on with the next", async () => {
    const { append, batch } = manualQueue();
    const failing = append("a", "b");
    const first = await batch(0);
    const next = append("c");
    const error = new AppendError("not-appended", Code.Unavailable, "no", { reason: "LOG_UNAVAILABLE" });
    first.failed(error);
    expect(await Promise.allSettled(failing)).toEqual(
      failing.map(() => ({ status: "rejected", reason: error })),
    );
    (await batch(1)).done(3);
    expect(await Promise.all(next)).toEqual([3]);
  });

  it("takes any other error for an unknown outcome", async () => {
    const { append, batch } = manualQueue();
    const [op] = append("a");
    const cause = new Error("EIO");
    (await batch(0)).failed(cause);
    await expect(op).rejects.toMatchObject({ outcome: "unknown", reason: "LOG_UNAVAILABLE", cause });
  });

  it("settles what waits when it is closed, and refuses what comes later", async () => {
    const { queue, append, batch } = manualQueue();
    const ops = append("a");
    const closed = queue.close();
    await expect(append("b")[0]).rejects.toMatchObject({ outcome: "not-appended", reason: "CLOSED" });
    (await batch(0)).done(1);
    await closed;
    expect(await Promise.all(ops)).toEqual([1]);
  });
});
