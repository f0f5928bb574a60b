import { describe, expect, it } from "vitest";
import { readOptions, usage } from "../../../examples/gateway/demo/read-options.js";

describe("readOptions", () => {
  it("has what the demo is by default, as --help says", () => {
    expect(readOptions([])).toEqual({ kind: "run", json: false, seed: 1, peers: 8, files: 60 });
    for (const [flag, value] of Object.entries({ seed: 1, peers: 8, files: 60 })) {
      expect(usage).toMatch(new RegExp(`--${flag} N .*\\(default ${value}\\)`));
    }
  });

  it("takes what is given", () => {
    const args = ["--json", "--seed", "0", "--peers=9", "--files", "20"];
    expect(readOptions(args)).toEqual({ kind: "run", json: true, seed: 0, peers: 9, files: 20 });
  });

  it("knows when it is asked for help", () => {
    expect(readOptions(["--help", "--seed", "2"])).toEqual({ kind: "help" });
  });

  it.each([
    [["--peers", "few"], /--peers .* not few/],
    [["--peers", "7"], /--peers .* from 8 to 64: not 7/],
    [["--peers", "65"], /--peers .* to 64: not 65/],
    [["--files", "19"], /--files .* from 20 to 10000: not 19/],
    [["--files", "10001"], /--files/],
    [["--seed=-1"], /--seed/],
    [["--seed", "1.5"], /--seed/],
    [["--seed", "4294967296"], /--seed/],
    [["--kills", "3"], /--kills/],
    [["3"], /3/],
  ])("refuses %o", (args, message) => {
    expect(() => readOptions(args)).toThrow(message);
  });
});
