import { describe, expect, it } from "vitest";
import { type Command, parseOptions, type RunOptions } from "../../../bench/storage/options.js";
import { usage } from "../../../bench/storage/usage.js";

function optionsOf(...args: string[]): RunOptions {
  const command: Command = parseOptions(args);
  if (command.kind !== "run") throw new Error(`${command.kind}: ${JSON.stringify(command)}`);
  return command.options;
}

describe("parseOptions", () => {
  it("[BM-06] has defaults", () => {
    const { benchmarks, ...options } = optionsOf();
    expect(options).toEqual({
      warmupMs: 100,
      timeMs: 1_000,
      payloadBytes: 0,
      concurrent: 1,
      maxAsync: 1_000,
      sendBuffer: 0,
      recvBuffer: 0,
      remotes: [],
      configSize: 4,
      quorumSize: 0,
      serverStats: false,
      json: false,
    });
    expect(benchmarks.test("anything")).toBe(true);
  });

  it.each<{ args: string[]; options: Partial<RunOptions> }>([
    { args: ["--time", "50ms", "--warmup=0"], options: { timeMs: 50, warmupMs: 0 } },
    { args: ["--time=2s", "--warmup", "1m"], options: { timeMs: 2_000, warmupMs: 60_000 } },
    { args: ["--payload", "1024"], options: { payloadBytes: 1_024 } },
    { args: ["--concurrent", "8", "--max-async", "16"], options: { concurrent: 8, maxAsync: 16 } },
    { args: ["--send-buffer", "10", "--recv-buffer", "20"], options: { sendBuffer: 10, recvBuffer: 20 } },
    { args: ["--quorum-size", "2", "--config-size", "3"], options: { quorumSize: 2, configSize: 3 } },
    { args: ["--quorum-size=-1"], options: { quorumSize: -1 } },
    { args: ["--remotes", "a:1, b:2,c:3"], options: { remotes: ["a:1", "b:2", "c:3"] } },
    { args: ["--remotes", "a:1", "--config-size=-1"], options: { remotes: ["a:1"], configSize: -1 } },
    { args: ["--server-stats", "--json"], options: { serverStats: true, json: true } },
    { args: ["--benchmarks", "^(Slow|Multi)"], options: { benchmarks: /^(Slow|Multi)/ } },
  ])("reads $args", ({ args, options }) => {
    expect(optionsOf(...args)).toMatchObject(options);
  });

  it.each<{ args: string[]; command: Command }>([
    { args: ["--help"], command: { kind: "help" } },
    { args: ["--list"], command: { kind: "list" } },
    { args: ["--server", "h:1"], command: { kind: "serve", address: "h:1", recvBuffer: 0 } },
    {
      args: ["--server", "h:1", "--recv-buffer", "5"],
      command: { kind: "serve", address: "h:1", recvBuffer: 5 },
    },
  ])("reads $args as $command.kind", ({ args, command }) => {
    expect(parseOptions(args)).toEqual(command);
  });

  it.each([
    { args: ["--time", "soon"], reason: "--time must be a time such as 500ms, 2s, 1m or 500 (milliseconds)" },
    { args: ["--time", "0"], reason: "--time must be a time" },
    { args: ["--time", "25000m"], reason: "--time must be a time" },
    { args: ["--warmup=-1s"], reason: "--warmup must be a time" },
    { args: ["--payload", "1k"], reason: '--payload must be an integer from 0 to 4000000, not "1k"' },
    { args: ["--payload", "4000001"], reason: "--payload must be an integer" },
    { args: ["--concurrent", "0"], reason: "--concurrent must be an integer from 1 " },
    { args: ["--max-async", "0.5"], reason: "--max-async must be an integer from 1 " },
    { args: ["--send-buffer", "many"], reason: "--send-buffer must be an integer from 0 " },
    { args: ["--recv-buffer", ""], reason: "--recv-buffer must be an integer from 0 " },
    { args: ["--server", "h:1", "--recv-buffer", "x"], reason: "--recv-buffer must be an integer" },
    { args: ["--quorum-size", "half"], reason: "--quorum-size must be an integer" },
    { args: ["--config-size", "4.5"], reason: "--config-size must be an integer" },
    { args: ["--config-size", "0"], reason: "--config-size 0 means all servers of --remotes" },
    { args: ["--config-size", "65"], reason: "--config-size starts so many processes" },
    { args: ["--remotes", ""], reason: "--remotes must be addresses" },
    { args: ["--remotes", "a:1,,b:2"], reason: "--remotes must be addresses" },
    { args: ["--remotes", "a:1", "--recv-buffer", "1"], reason: "--recv-buffer belongs to the servers" },
    { args: ["--benchmarks", "("], reason: "--benchmarks must be a regular expression" },
    {
      args: ["--benchmarks", "dance"],
      reason: '--benchmarks "dance" matches none of AsyncQuorumCall, Multicast, QuorumCall, SlowServer',
    },
    { args: ["--server", "h:1", "--json"], reason: "--json cannot be used together with --server" },
    { args: ["--list", "--time", "1"], reason: "--time cannot be used together with --list" },
    { args: ["--dance"], reason: "'--dance'" },
    { args: ["--time"], reason: "'--time <value>' argument missing" },
    { args: ["--config-size", "-1"], reason: "'--config-size' argument is ambiguous" },
    { args: ["--json=yes"], reason: "'--json' does not take an argument" },
    { args: ["QuorumCall"], reason: "'QuorumCall'" },
  ])("refuses $args, and says which option it is", ({ args, reason }) => {
    expect(parseOptions(args)).toEqual({ kind: "refused", reason: expect.stringContaining(reason) });
  });
});

describe("the usage", () => {
  const values: Readonly<Record<string, string>> = {
    REGEXP: ".",
    DURATION: "1s",
    N: "2",
    BYTES: "1",
    "A,B,C": "a:1,b:1",
    ADDRESS: "a:1",
  };
  const shown = [...usage.matchAll(/^ {2}--([\w-]+)(?: ([A-Z,]+))?/gm)];

  it("names options that there are, with the defaults that they have", () => {
    expect(shown).toHaveLength(15);
    for (const [, flag, value] of shown) {
      const args = value === undefined ? [`--${flag}`] : [`--${flag}`, values[value] ?? ""];
      expect(parseOptions(args).kind, `--${flag}`).not.toBe("refused");
    }
    const defaults = [...usage.matchAll(/^ {2}--([\w-]+) .*\(default ([\w]+)\)$/gm)];
    const args = defaults.flatMap(([, flag, value]) => [`--${flag}`, value ?? ""]);
    expect(args).toHaveLength(18);
    expect(optionsOf(...args)).toEqual(optionsOf());
  });
});
