import { describe, expect, it } from "vitest";
import { readClusterOptions } from "../../../examples/bank/cluster/cluster-options.js";

describe("readClusterOptions", () => {
  it("has what the demo is by default", () => {
    const faults = { kills: 3, leaderKills: 2, pauses: 1, pauseMs: 5_000 };
    expect(readClusterOptions([])).toEqual({ kind: "run", json: false, seed: 1, sessions: true, ...faults });
  });

  it("takes what is given", () => {
    const counts = ["--kills", "1", "--leader-kills=0", "--pauses", "0", "--pause-ms", "1000"];
    const faults = { kills: 1, leaderKills: 0, pauses: 0, pauseMs: 1_000 };
    expect(readClusterOptions(["--json", "--seed", "0", "--without-sessions", ...counts])).toEqual({
      kind: "run",
      json: true,
      seed: 0,
      sessions: false,
      ...faults,
    });
  });

  it("is asked for help", () => {
    expect(readClusterOptions(["--help", "--seed", "x"])).toEqual({ kind: "help" });
  });

  it.each([
    [["--kills", "0"], /--kills .* from 1 on: not 0/],
    [["--leader-kills", "some"], /--leader-kills .* not some/],
    [["--pauses=-1"], /--pauses/],
    [["--pause-ms", "999"], /--pause-ms .* from 1000 on: not 999/],
    [["--cuts", "3"], /--cuts/],
    [["3"], /3/],
  ])("refuses %o", (args, message) => {
    expect(() => readClusterOptions(args)).toThrow(message);
  });
});
