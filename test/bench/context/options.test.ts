import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { benchmarkNames } from "../../../bench/context/benchmarks.js";
import { type Command, parseOptions, type RunOptions } from "../../../bench/context/options.js";
import { listBenchmarks, usage } from "../../../bench/context/usage.js";

const all = ["rpc1", "rpc16", "rpc256", "quorum16", "sort", "session", "await"];

function optionsOf(...args: string[]): RunOptions {
  const command: Command = parseOptions(args);
  if (command.kind !== "run") throw new Error(`${command.kind}: ${JSON.stringify(command)}`);
  return command.options;
}

describe("parseOptions", () => {
  it("has defaults", () => {
    expect(optionsOf()).toEqual({ only: all, rounds: 7, timeMs: 250, warmupMs: 400, json: undefined });
  });

  it.each<{ args: string[]; options: Partial<RunOptions> }>([
    { args: ["--quick"], options: { rounds: 3, timeMs: 50, warmupMs: 100 } },
    { args: ["--quick", "--time", "1s"], options: { rounds: 3, timeMs: 1_000, warmupMs: 100 } },
    { args: ["--rounds", "2", "--warmup=0"], options: { rounds: 2, warmupMs: 0 } },
    { args: ["--only", "sort"], options: { only: ["sort"] } },
    { args: ["--only", "await", "--only", "rpc16"], options: { only: ["rpc16", "await"] } },
    { args: ["--json", "found.json"], options: { json: resolve("found.json") } },
  ])("reads $args", ({ args, options }) => {
    expect(optionsOf(...args)).toMatchObject(options);
  });

  it.each<{ args: string[]; command: Command }>([
    { args: ["--help"], command: { kind: "help" } },
    { args: ["--list"], command: { kind: "list" } },
  ])("reads $args as $command.kind", ({ args, command }) => {
    expect(parseOptions(args)).toEqual(command);
  });

  it.each([
    { args: ["--only", "dance"], reason: `--only "dance" is none of ${all.join(", ")}` },
    { args: ["--rounds", "0"], reason: "--rounds must be an integer from 1 " },
    { args: ["--time", "0"], reason: "--time must be a time" },
    { args: ["--warmup", "soon"], reason: "--warmup must be a time" },
    { args: ["--json="], reason: "--json must be a path" },
    { args: ["--list", "--quick"], reason: "--quick cannot be used together with --list" },
    { args: ["--dance"], reason: "'--dance'" },
    { args: ["sort"], reason: "'sort'" },
  ])("refuses $args, and says which option it is", ({ args, reason }) => {
    expect(parseOptions(args)).toEqual({ kind: "refused", reason: expect.stringContaining(reason) });
  });
});

describe("the usage", () => {
  const values: Readonly<Record<string, string>> = { NAME: "sort", DURATION: "1s", N: "2", FILE: "x" };

  it("names options that there are, with the defaults that they have", () => {
    const shown = [...usage.matchAll(/^ {2}--([\w-]+)(?: ([A-Z]+))?/gm)];
    expect(shown).toHaveLength(7);
    for (const [, flag, value] of shown) {
      const args = value === undefined ? [`--${flag}`] : [`--${flag}`, values[value] ?? ""];
      expect(parseOptions(args).kind, `--${flag}`).not.toBe("refused");
    }
    const defaults = [...usage.matchAll(/^ {2}--([\w-]+) .*\(default (\w+)\)$/gm)];
    const args = defaults.flatMap(([, flag, value]) => [`--${flag}`, value ?? ""]);
    expect(args).toHaveLength(6);
    expect(optionsOf(...args)).toEqual(optionsOf());
  });

  it("lists every benchmark", () => {
    const names = listBenchmarks()
      .split("\n")
      .map((line) => /^(\w+): +\w.{20,}$/.exec(line)?.[1]);
    expect(names).toEqual(benchmarkNames);
  });
});
