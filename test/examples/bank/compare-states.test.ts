import { describe, expect, it } from "vitest";
import { compareStates, type NamedState } from "../../../examples/bank/cluster/compare-states.js";

const state = (name: string, more: Partial<NamedState> = {}): NamedState => ({
  name,
  op: 20,
  digest: "aa",
  sessions: 6,
  ...more,
});

describe("compareStates", () => {
  it.each([20, 19])("finds equal states at one op, %d or a later one", (least) => {
    const states = [state("bank-1"), state("bank-2"), state("bank-3")];
    expect(compareStates(states, least)).toEqual({ kind: "equal", op: 20, digest: "aa" });
  });

  it.each([
    ["one is behind", [state("bank-1"), state("bank-2", { op: 19, digest: "bb" })], 10],
    ["one is ahead", [state("bank-1"), state("bank-2", { op: 21, digest: "bb" })], 10],
    ["all of them are behind the end of the log", [state("bank-1"), state("bank-2")], 21],
    ["there is none", [], 0],
  ])("does not compare where %s", (_, states, least) => {
    expect(compareStates(states, least)).toEqual({ kind: "apart" });
  });

  it.each([
    [
      "a table that is another",
      { digest: "ab" },
      "at op 20, bank-1 has aa and 6 sessions, bank-2 has aa and 6 sessions, bank-3 has ab and 6 sessions",
    ],
    [
      "sessions that are more",
      { sessions: 7 },
      "at op 20, bank-1 has aa and 6 sessions, bank-2 has aa and 6 sessions, bank-3 has aa and 7 sessions",
    ],
  ])("finds %s", (_, wrong, problem) => {
    const states = [state("bank-1"), state("bank-2"), state("bank-3", wrong)];
    expect(compareStates(states, 20)).toEqual({ kind: "different", problem });
  });
});
