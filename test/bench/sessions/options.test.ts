import { tmpdir } from "node:os";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { benchmarkNames } from "../../../bench/sessions/benchmark-names.js";
import { type Command, parseOptions, type RunOptions } from "../../../bench/sessions/options.js";
import { listBenchmarks, usage } from "../../../bench/sessions/usage.js";

function optionsOf(...args: string[]): RunOptions {
  const command: Command = parseOptions(args);
  if (command.kind !== "run") throw new Error(`${command.kind}: ${JSON.stringify(command)}`);
  return command.options;
}

describe("parseOptions", () => {
  it("has defaults", () => {
    expect(optionsOf()).toEqual({
      only: ["memory", "file1", "file16", "table", "idle"],
      rounds: 7,
      timeMs: 1_000,
      warmupMs: 1_000,
      connections: 1,
      tableSessions: 100_000,
      directory: tmpdir(),
      json: undefined,
    });
  });

  it.each<{ args: string[]; options: Partial<RunOptions> }>([
    { args: ["--quick"], options: { rounds: 3, timeMs: 300, warmupMs: 300 } },
    { args: ["--quick", "--time", "1s"], options: { rounds: 3, timeMs: 1_000, warmupMs: 300 } },
    { args: ["--rounds", "2", "--warmup=0"], options: { rounds: 2, warmupMs: 0 } },
    { args: ["--only", "table"], options: { only: ["table"] } },
    { args: ["--only", "idle", "--only", "memory"], options: { only: ["memory", "idle"] } },
    { args: ["--connections", "4", "--sessions", "5000"], options: { connections: 4, tableSessions: 5_000 } },
    {
      args: ["--directory", "some/where", "--json", "found.json"],
      options: { directory: resolve("some/where"), json: resolve("found.json") },
    },
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
    { args: ["--only", "dance"], reason: '--only "dance" is none of memory, file1, file16, table, idle' },
    { args: ["--rounds", "0"], reason: "--rounds must be an integer from 1 " },
    { args: ["--time", "0"], reason: "--time must be a time" },
    { args: ["--warmup", "soon"], reason: "--warmup must be a time" },
    { args: ["--connections", "65"], reason: "--connections must be an integer from 1 to 64" },
    { args: ["--sessions", "999"], reason: "--sessions must be an integer from 1000 " },
    { args: ["--directory", ""], reason: "--directory must be a path" },
    { args: ["--json="], reason: "--json must be a path" },
    { args: ["--list", "--quick"], reason: "--quick cannot be used together with --list" },
    { args: ["--dance"], reason: "'--dance'" },
    { args: ["memory"], reason: "'memory'" },
  ])("refuses $args, and says which option it is", ({ args, reason }) => {
    expect(parseOptions(args)).toEqual({ kind: "refused", reason: expect.stringContaining(reason) });
  });
});

describe("the usage", () => {
  const values: Readonly<Record<string, string>> = {
    NAME: "table",
    DURATION: "1s",
    N: "2",
    PATH: "x",
    FILE: "x",
  };

  it("names options that there are, with the defaults that they have", () => {
    const shown = [...usage.matchAll(/^ {2}--([\w-]+)(?: ([A-Z]+))?/gm)];
    expect(shown).toHaveLength(10);
    for (const [, flag, value] of shown) {
      const text = flag === "sessions" ? "1000" : values[value ?? ""];
      const args = value === undefined ? [`--${flag}`] : [`--${flag}`, text ?? ""];
      expect(parseOptions(args).kind, `--${flag}`).not.toBe("refused");
    }
    const defaults = [...usage.matchAll(/^ {2}--([\w-]+) .*\(default (\w+)\)$/gm)];
    const args = defaults.flatMap(([, flag, value]) => [`--${flag}`, value ?? ""]);
    expect(args).toHaveLength(10);
    expect(optionsOf(...args)).toEqual(optionsOf());
  });

  it("lists every benchmark", () => {
    const names = listBenchmarks()
      .split("\n")
      .map((line) => /^(\w+): +\w.{20,}$/.exec(line)?.[1]);
    expect(names).toEqual(benchmarkNames);
  });
});
