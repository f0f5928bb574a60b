import { describe, expect, it } from "vitest";
import { readOptions } from "../../../examples/bank/demo/read-options.js";

describe("readOptions", () => {
  it("has what the demo is by default", () => {
    expect(readOptions([])).toEqual({ json: false, seed: 1, kills: 10, cuts: 14, sessions: true });
  });

  it("takes what is given", () => {
    const args = ["--json", "--seed", "0", "--kills=1", "--cuts", "3", "--without-sessions"];
    expect(readOptions(args)).toEqual({ json: true, seed: 0, kills: 1, cuts: 3, sessions: false });
  });

  it.each([
    [["--kills", "none"], /--kills .* not none/],
    [["--kills", "0"], /--kills .* from 1 on: not 0/],
    [["--cuts", "2"], /--cuts .* from 3 on: not 2/],
    [["--seed=-1"], /--seed/],
    [["--seed", "1.5"], /--seed/],
    [["--seed", "4294967296"], /--seed/],
    [["--faults", "3"], /--faults/],
    [["3"], /3/],
  ])("refuses %o", (args, message) => {
    expect(() => readOptions(args)).toThrow(message);
  });
});
