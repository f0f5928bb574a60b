import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { benchmarkNames } from "../../../bench/context/benchmarks.js";
import type { Results } from "../../../bench/context/results.js";
import { startDemo } from "../../examples/start-demo.js";
import { checkLeaks } from "../../helpers/leaks.js";

checkLeaks();

const command = "scripts/bench-context.mjs";
const program = "dist/bench/context/main.js";
const brief = ["--rounds", "2", "--time", "5ms", "--warmup", "2ms"];

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "quorate-bench-test-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Runs the tool to its end. */
async function runTool(args: readonly string[], { file = program, preload = "" } = {}) {
  await using tool = startDemo(file, { args, preload });
  const ended = await tool.ended;
  await tool.untilNothingIsLeft();
  return { ...ended, ...tool.output, servers: tool.pids("serve-echo.js").length };
}

const callRows = ["plain", "idle", "outside", "inside", "inside, empty", "inside, none"];
const callRatios = callRows.map((name) => ratioOf(name, name === "plain" ? null : "plain"));
const sortRatios = [3, 31, 1_000].flatMap((size) => [
  ratioOf(`byLatency, ${size}`, null),
  ratioOf(`byUsefulness, ${size}`, `byLatency, ${size}`),
]);
const sessionRatios = [
  ratioOf("begin", null),
  ...["begin, alone", "fork, 0", "fork, 100", "fork, 1024"].map((name) => ratioOf(name, "begin")),
];
const awaitRatios = [
  ratioOf("no storage", null),
  ratioOf("outside", "no storage"),
  ratioOf("inside", "no storage"),
];

describe("the benchmark of context sessions", { timeout: 60_000 }, () => {
  it("measures all, prints what it found, and writes it as JSON", async () => {
    const json = join(folder, "results.json");
    const { code, servers, stderr, stdout } = await runTool([...brief, "--json", json], { file: command });
    expect({ code, servers }, stderr).toEqual({ code: 0, servers: 6 });
    expect(stdout).toMatch(/^\d+ × .+, load [\d.]+\nNode /);
    for (const name of benchmarkNames) expect(stdout).toContain(`\n${name}: `);

    const { benchmarks, machine, settings } = JSON.parse(await readFile(json, "utf8")) as Results;
    expect(settings).toEqual({ rounds: 2, timeMs: 5, warmupMs: 2 });
    expect(machine.node).toBe(process.versions.node);
    const found = benchmarks.map(({ name, rows }) => [name, rows.map((row) => ratioOf(row.name, row.to))]);
    expect(Object.fromEntries(found)).toEqual({
      rpc1: callRatios,
      rpc16: callRatios,
      rpc256: callRatios,
      quorum16: callRatios,
      sort: sortRatios,
      session: sessionRatios,
      await: awaitRatios,
    });
    for (const { micros, name, ratio, rounds, to } of benchmarks.flatMap(({ rows }) => rows)) {
      expect(rounds).toHaveLength(2);
      for (const round of rounds) expect(round, name).toBeGreaterThan(0);
      expect(micros.least, name).toBe(Math.min(...rounds));
      expect(ratio === null, name).toBe(to === null);
      expect(ratio?.least ?? 1, name).toBeGreaterThan(0);
    }
  });

  it.each([
    { args: ["--help"], code: 0, says: "" },
    { args: ["--rounds", "none"], code: 2, says: "--rounds must be an integer" },
    { args: ["--only", "await", "--json", "/dev/null/x", ...brief], code: 1, says: "--json: " },
  ])("ends with code $code after $args, and says why", async ({ args, code, says }) => {
    const result = await runTool(args);
    expect(result.code).toBe(code);
    expect(result.stderr).toContain(says);
  });

  it("ends with code 1 if a server does not start, and leaves no process behind", async () => {
    const preload = `if (process.send !== undefined) process.exit(3);`;
    const { code, stderr } = await runTool([...brief, "--only", "quorum16"], { preload });
    expect(code).toBe(1);
    expect(stderr).toContain("a local server could not be started: it ended with exit code 3");
  });
});

describe("a benchmark of context sessions under way", { timeout: 60_000 }, () => {
  const endless = ["--time", "10m", "--warmup", "0"];
  const start = async (name: string, says: string) => {
    const tool = startDemo(program, { args: [...endless, "--only", name] });
    await tool.untilWritten(() => tool.output.stderr.includes(says));
    return tool;
  };

  it("ends with code 1 when the server is gone, and leaves no process behind", async () => {
    await using tool = await start("rpc16", "listens on");
    process.kill(tool.pids("serve-echo.js")[0] ?? 0, "SIGKILL");
    expect(await tool.ended).toEqual({ code: 1, signal: null });
    expect(tool.output.stderr).toMatch(/^rpc16 failed: /m);
    await tool.untilNothingIsLeft();
  });

  it.each([
    { name: "rpc16", says: "listens on", signal: "SIGINT" },
    { name: "rpc16", says: "listens on", signal: "SIGKILL" },
    { name: "sort", says: "sort: ", signal: "SIGTERM" },
  ] as const)("ends $name at $signal, with its servers", async ({ name, says, signal }) => {
    await using tool = await start(name, says);
    tool.kill(signal);
    expect(await tool.ended).toEqual({ code: null, signal });
    await tool.untilNothingIsLeft();
  });
});

function ratioOf(name: string, to: string | null) {
  return { name, to };
}
