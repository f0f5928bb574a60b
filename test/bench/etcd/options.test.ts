import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { benchmarkNames } from "../../../bench/etcd/benchmarks.js";
import { type Command, parseOptions, type RunOptions } from "../../../bench/etcd/options.js";
import { listBenchmarks, usage } from "../../../bench/etcd/usage.js";

function optionsOf(...args: string[]): RunOptions {
  const command: Command = parseOptions(args);
  if (command.kind !== "run") throw new Error(`${command.kind}: ${JSON.stringify(command)}`);
  return command.options;
}

describe("parseOptions", () => {
  it("has defaults", () => {
    expect(optionsOf()).toEqual({
      only: benchmarkNames,
      rounds: 7,
      timeMs: 1_000,
      warmupMs: 1_000,
      members: 3,
      rate: 200,
      entries: 64_000,
      snapshotMib: 16,
      json: undefined,
    });
  });

  it.each<{ args: string[]; options: Partial<RunOptions> }>([
    {
      args: ["--quick"],
      options: { rounds: 3, timeMs: 300, warmupMs: 300, entries: 6_400, snapshotMib: 4, members: 3 },
    },
    { args: ["--quick", "--time", "1s"], options: { rounds: 3, timeMs: 1_000, warmupMs: 300 } },
    { args: ["--rounds", "2", "--warmup=0"], options: { rounds: 2, warmupMs: 0 } },
    { args: ["--only", "apply", "--only", "write1"], options: { only: ["write1", "apply"] } },
    { args: ["--members", "1", "--rate", "50"], options: { members: 1, rate: 50 } },
    { args: ["--entries", "100", "--snapshot", "2"], options: { entries: 100, snapshotMib: 2 } },
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
    { args: ["--only", "dance"], reason: '--only "dance" is none of write1, ' },
    { args: ["--rounds", "0"], reason: "--rounds must be an integer from 1 " },
    { args: ["--time", "0"], reason: "--time must be a time" },
    { args: ["--warmup", "soon"], reason: "--warmup must be a time" },
    { args: ["--members", "2"], reason: '--members must be 1 or 3, not "2"' },
    { args: ["--rate", "0"], reason: "--rate must be an integer from 1 " },
    { args: ["--entries", "63"], reason: "--entries must be an integer from 64 " },
    { args: ["--snapshot", "257"], reason: "--snapshot must be an integer from 1 to 256" },
    { args: ["--json="], reason: "--json must be a path" },
    { args: ["--list", "--quick"], reason: "--quick cannot be used together with --list" },
    { args: ["--dance"], reason: "'--dance'" },
    { args: ["write1"], reason: "'write1'" },
  ])("refuses $args, and says which option it is", ({ args, reason }) => {
    expect(parseOptions(args)).toEqual({ kind: "refused", reason: expect.stringContaining(reason) });
  });
});

describe("the usage", () => {
  const values: Readonly<Record<string, string>> = { NAME: "apply", DURATION: "1s", N: "3", FILE: "x" };

  it("names options that there are, with the defaults that they have", () => {
    const shown = [...usage.matchAll(/^ {2}--([\w-]+)(?: ([A-Z]+))?/gm)];
    expect(shown).toHaveLength(11);
    for (const [, flag, value] of shown) {
      const text = flag === "entries" ? "1000" : values[value ?? ""];
      const args = value === undefined ? [`--${flag}`] : [`--${flag}`, text ?? ""];
      expect(parseOptions(args).kind, `--${flag}`).not.toBe("refused");
    }
    const defaults = [...usage.matchAll(/^ {2}--([\w-]+) .*\(default (\w+)\)$/gm)];
    const args = defaults.flatMap(([, flag, value]) => [`--${flag}`, value ?? ""]);
    expect(args).toHaveLength(14);
    expect(optionsOf(...args)).toEqual(optionsOf());
  });

  it("lists every benchmark", () => {
    const names = listBenchmarks()
      .split("\n")
      .map((line) => /^(\w+): +\w.{20,}$/.exec(line)?.[1]);
    expect(names).toEqual(benchmarkNames);
  });
});
