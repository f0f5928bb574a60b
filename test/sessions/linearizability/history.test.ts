import { describe, expect, it } from "vitest";
import { History, type Outcome } from "./history.js";

const append = { kind: "append", value: "a1;" } as const;
const answered: Outcome = { kind: "answered", output: { value: "a1;" } };

describe("History", () => {
  it("gives the checker what is known, by one clock, and leaves out what says nothing", () => {
    const history = new History();
    const first = history.call("a", "x", append);
    const unknown = history.call("b", "x", { kind: "write", value: "b1;" });
    const never = history.call("b", "x", { kind: "write", value: "b2;" });
    const unread = history.call("c", "x", { kind: "read" });
    const applied = history.call("c", "x", { kind: "append", value: "c1;" });
    first.settle(answered);
    unknown.settle({ kind: "unknown" });
    never.settle({ kind: "neverApplied" });
    unread.settle({ kind: "unknown" });
    applied.settle({ kind: "applied" });
    expect(history.checked.map(({ called, returned, output }) => ({ called, returned, output }))).toEqual([
      { called: 1, returned: 6, output: { value: "a1;" } },
      { called: 2, returned: Number.POSITIVE_INFINITY, output: undefined },
      { called: 5, returned: 8, output: undefined },
    ]);
    expect(history.withValue("a1;")).toBe(first);
    expect(() => history.withValue("none")).toThrow("nobody has sent none");
  });

  it.each<[string, Outcome[], Outcome]>([
    ["nothing after an answer", [answered, { kind: "unknown" }], answered],
    ["the same once more", [answered, answered], answered],
    ["the answer after nothing", [{ kind: "unknown" }, answered], answered],
    ["the answer after less", [{ kind: "applied" }, answered], answered],
    ["less after the answer", [answered, { kind: "applied" }], answered],
  ])("takes %s", (_what, outcomes, expected) => {
    const operation = new History().call("a", "x", append);
    for (const outcome of outcomes) operation.settle(outcome);
    expect(operation.outcome).toEqual(expected);
  });

  it.each<[string, Outcome, Outcome]>([
    ["two answers", answered, { kind: "answered", output: { value: "a0;a1;" } }],
    ["an answer after none was possible", { kind: "neverApplied" }, answered],
    ["that it never was, after an answer", answered, { kind: "neverApplied" }],
    ["that it never was, after that it was", { kind: "applied" }, { kind: "neverApplied" }],
  ])("refuses %s", (_what, first, second) => {
    const operation = new History().call("a", "x", append);
    operation.settle(first);
    expect(() => operation.settle(second)).toThrow("was told two things");
  });
});
