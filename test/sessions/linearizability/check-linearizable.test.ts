import { describe, expect, it } from "vitest";
import { checkLinearizable, type Operation } from "./check-linearizable.js";
import { explainViolation } from "./explain-violation.js";
import { type RegisterInput, type RegisterOutput, registerModel } from "./register-model.js";

type RegisterOperation = Operation<RegisterInput, RegisterOutput>;

const never = Number.POSITIVE_INFINITY;

function operation(
  called: number,
  returned: number,
  input: RegisterInput,
  output: RegisterOutput | undefined,
  key = "k",
): RegisterOperation {
  return { client: "c", key, called, returned, input, output };
}

const read = (called: number, returned: number, value: string, key?: string) =>
  operation(called, returned, { kind: "read" }, { value }, key);
const write = (called: number, returned: number, value: string, key?: string) =>
  operation(called, returned, { kind: "write", value }, returned === never ? undefined : {}, key);
const append = (called: number, returned: number, value: string, after?: string) =>
  operation(called, returned, { kind: "append", value }, after === undefined ? undefined : { value: after });
const compareAndSet = (
  called: number,
  returned: number,
  expected: string,
  value: string,
  output?: RegisterOutput,
) => operation(called, returned, { kind: "compareAndSet", expected, value }, output);

const isLinearizable = (history: readonly RegisterOperation[]) =>
  checkLinearizable(registerModel, history).ok;

describe("checkLinearizable", () => {
  it.each<[string, RegisterOperation[]]>([
    ["nothing", []],
    ["a read of the value at the beginning", [read(1, 2, "")]],
    ["operations one after another", [write(1, 2, "a"), read(3, 4, "a"), write(5, 6, "b"), read(7, 8, "b")]],
    ["a read that overtakes a write under way", [write(1, 6, "a"), read(2, 3, "a"), read(4, 5, "a")]],
    ["reads before and after the moment of a write", [write(1, 6, "a"), read(2, 3, ""), read(4, 5, "a")]],
    ["concurrent writes in the order of the reads", [write(1, 4, "a"), write(2, 3, "b"), read(5, 6, "a")]],
    ["operations that touch in time, in either order", [write(1, 3, "a"), read(3, 4, ""), read(5, 6, "a")]],
    ["concurrent appends", [append(1, 4, "a", "ba"), append(2, 3, "b", "b"), read(5, 6, "ba")]],
    ["an unknown write that took effect later", [write(1, never, "a"), read(2, 3, ""), read(4, 5, "a")]],
    ["an unknown write that never took effect", [write(1, never, "a"), write(2, 3, "b"), read(4, 5, "b")]],
    ["an unknown write between others", [write(1, never, "a"), write(2, 3, "b"), read(4, 5, "a")]],
    ["an answer that nobody has seen", [append(1, 2, "a"), read(3, 4, "a")]],
    [
      "one of two that compare and set",
      [
        compareAndSet(1, 4, "", "a", { swapped: true, value: "a" }),
        compareAndSet(2, 3, "", "b", { swapped: false, value: "a" }),
        read(5, 6, "a"),
      ],
    ],
    ["keys apart from each other", [write(1, 2, "a", "x"), read(3, 4, "", "y"), read(5, 6, "a", "x")]],
  ])("accepts %s", (_what, history) => {
    expect(isLinearizable(history)).toBe(true);
    expect(isLinearizable(history.toReversed())).toBe(true);
  });

  it.each<[string, RegisterOperation[]]>([
    ["a stale read", [write(1, 2, "a"), write(3, 4, "b"), read(5, 6, "a")]],
    ["a read that misses a write that was acknowledged", [write(1, 2, "a"), read(3, 4, "")]],
    ["a lost update", [append(1, 2, "a", "a"), append(3, 4, "b", "b"), read(5, 6, "b")]],
    ["two appends of which each saw the same", [append(1, 4, "a", "a"), append(2, 3, "b", "b")]],
    ["an append that was applied twice", [append(1, 2, "a", "a"), read(3, 4, "aa")]],
    ["an unknown append that was applied twice", [append(1, never, "a"), read(2, 3, "a"), read(4, 5, "aa")]],
    [
      "a write that was applied again",
      [write(1, 2, "a"), write(3, 4, "b"), read(5, 6, "b"), read(7, 8, "a")],
    ],
    ["a value that nobody wrote", [write(1, 2, "a"), read(3, 4, "z")]],
    ["a value before it was written", [read(1, 2, "a"), write(3, 4, "a")]],
    ["writes against real time", [write(1, 2, "a"), write(3, 6, "b"), read(4, 5, "b"), read(7, 8, "a")]],
    ["two reads that go back", [write(1, 8, "a"), read(2, 3, "a"), read(4, 5, "")]],
    [
      "two reads that go back and forth",
      [write(1, 9, "a"), write(1, 9, "b"), read(2, 3, "a"), read(4, 5, "b"), read(6, 7, "a")],
    ],
    [
      "readers that disagree about the order",
      [
        write(1, 20, "a"),
        write(1, 20, "b"),
        read(2, 3, "a"),
        read(4, 5, "b"),
        write(21, 22, "c"),
        read(23, 24, "a"),
      ],
    ],
    [
      "an unknown write that comes and goes",
      [write(1, never, "a"), read(2, 3, "a"), read(4, 5, ""), read(6, 7, "a")],
    ],
    [
      "a write without an answer that is not in when it must be",
      [append(1, 2, "a"), read(3, 4, ""), read(5, 6, "a")],
    ],
    [
      "two that compare and set, both successful",
      [
        compareAndSet(1, 4, "", "a", { swapped: true, value: "a" }),
        compareAndSet(2, 3, "", "b", { swapped: true, value: "b" }),
      ],
    ],
    [
      "one that says it has set nothing, and has",
      [compareAndSet(1, 2, "", "a", { swapped: false }), read(3, 4, "a")],
    ],
    ["one bad key among good ones", [write(1, 2, "a", "x"), read(3, 4, "a", "x"), read(3, 4, "a", "y")]],
  ])("rejects %s", (_what, history) => {
    expect(isLinearizable(history)).toBe(false);
    expect(isLinearizable(history.toReversed())).toBe(false);
  });

  it("says how far the history is in order, and what does not fit", () => {
    const first = write(1, 2, "a");
    const second = write(3, 4, "b");
    const stale = read(5, 6, "a");
    const unknown = write(5, never, "c");
    const verdict = checkLinearizable(registerModel, [
      write(1, 2, "z", "other"),
      unknown,
      stale,
      second,
      first,
    ]);
    if (verdict.ok) throw new Error("the history was accepted");
    expect(verdict.violation).toEqual({
      key: "k",
      order: [first, second],
      state: "b",
      stuck: [stale, unknown],
    });
    expect(explainViolation(verdict.violation).split("\n")).toEqual([
      "the history of key k is not linearizable; this much of it is:",
      '  [1, 2] client c key k: {"kind":"write","value":"a"} -> {}',
      '  [3, 4] client c key k: {"kind":"write","value":"b"} -> {}',
      'the state is then "b", and none of these fits:',
      '  [5, 6] client c key k: {"kind":"read"} -> {"value":"a"}',
      '  [5, Infinity] client c key k: {"kind":"write","value":"c"} -> ?',
    ]);
  });

  it("decides a history that without memory would take for ever", () => {
    // All at once, which is 14! orders and 2^14 sets, and then a value that nobody wrote.
    const all = Array.from({ length: 7 }, (_, at) => [write(at, 100, "a"), read(at, 100, "a")]).flat();
    expect(isLinearizable([...all, read(101, 102, "a")])).toBe(true);
    expect(isLinearizable([...all, read(101, 102, "b")])).toBe(false);
  });

  it("gives up loudly where it cannot decide", () => {
    const all = Array.from({ length: 20 }, (_, at) => write(1, 100, String(at)));
    const check = () => checkLinearizable(registerModel, [...all, read(101, 102, "none")], 1_000);
    expect(check).toThrow("not decided after 1000 steps");
  });

  it("refuses an operation that returned before it was called", () => {
    expect(() => isLinearizable([write(2, 1, "a")])).toThrow("before its call");
  });
});
