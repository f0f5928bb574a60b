import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Results } from "../../../bench/sessions/results.js";
import { startDemo } from "../../examples/start-demo.js";
import { checkLeaks } from "../../helpers/leaks.js";

checkLeaks();

const command = "scripts/bench-sessions.mjs";
const program = "dist/bench/sessions/main.js";
const brief = ["--rounds", "2", "--time", "20ms", "--warmup", "5ms", "--sessions", "10000"];

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "quorate-bench-test-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Runs the tool to its end. */
async function runTool(args: readonly string[], { file = program, preload = "" } = {}) {
  await using tool = startDemo(file, { args: ["--directory", folder, ...args], preload });
  const ended = await tool.ended;
  await tool.untilNothingIsLeft();
  return { ...ended, ...tool.output, servers: tool.pids("serve-echo.js").length };
}

const aNumber: unknown = expect.any(Number);
const aBoolean: unknown = expect.any(Boolean);
const spread = { median: expect.any(Number), least: expect.any(Number), most: expect.any(Number) };

describe("the session benchmark", { timeout: 60_000 }, () => {
  it("measures all, prints what it found, and writes it as JSON", async () => {
    const json = join(folder, "results.json");
    const { code, servers, stderr, stdout } = await runTool([...brief, "--json", json], { file: command });
    expect({ code, servers }, stderr).toEqual({ code: 0, servers: 5 });
    expect(stdout).toMatch(/^\d+ × .+, load [\d.]+\nNode /);
    for (const name of ["memory", "file1", "file16", "table", "idle"])
      expect(stdout).toContain(`\n${name}: `);
    expect(await readdir(folder)).toEqual(["results.json"]);

    const results = JSON.parse(await readFile(json, "utf8")) as Results;
    expect(results.settings).toEqual({
      rounds: 2,
      timeMs: 20,
      warmupMs: 5,
      connections: 1,
      directory: folder,
    });
    expect(results.machine.node).toBe(process.versions.node);
    expect(results.rates.map(({ name, ratios }) => ({ name, ratios }))).toEqual([
      { name: "memory", ratios: [ratio("sessioned", "plain", 0.7)] },
      { name: "file1", ratios: fileRatios(4) },
      { name: "file16", ratios: fileRatios(8) },
    ]);
    for (const { contestants } of results.rates) {
      for (const { name, perSecond, rounds, serverMicros, clientMicros } of contestants) {
        expect(perSecond).toEqual(spread);
        expect(rounds).toHaveLength(2);
        for (const rate of rounds) expect(rate, name).toBeGreaterThan(0);
        const cpu = name === "syncLoop" ? null : aNumber;
        expect({ serverMicros, clientMicros }, name).toEqual({ serverMicros: cpu, clientMicros: cpu });
      }
    }
    expect(results.table.map(({ sessions }) => sessions)).toEqual([100, 1_000, 10_000]);
    expect(results.idle?.sessions).toBe(10_000);
    expect(results.idle?.bytesPerSession).toBeGreaterThan(0);
  });

  it("runs what it is told to run, on as many connections", async () => {
    const json = join(folder, "results.json");
    const args = [...brief, "--only", "memory", "--connections", "2", "--json", json];
    const { code, servers, stderr } = await runTool(args);
    expect({ code, servers }, stderr).toEqual({ code: 0, servers: 1 });
    const { rates, settings, table, idle } = JSON.parse(await readFile(json, "utf8")) as Results;
    expect(rates.map(({ name }) => name)).toEqual(["memory"]);
    expect({ connections: settings.connections, table, idle }).toEqual({
      connections: 2,
      table: [],
      idle: null,
    });
  });

  it.each([
    { args: ["--help"], code: 0, says: "" },
    { args: ["--rounds", "none"], code: 2, says: "--rounds must be an integer" },
    { args: ["--only", "table", "--json", "/dev/null/x", ...brief], code: 1, says: "--json: " },
    { args: ["--only", "file1", "--directory", "/dev/null/x", ...brief], code: 1, says: "file1 failed: " },
  ])("ends with code $code after $args, and says why", async ({ args, code, says }) => {
    const result = await runTool(args);
    expect(result.code).toBe(code);
    expect(result.stderr).toContain(says);
  });

  it("ends with code 1 if a server does not start, and leaves no folder behind", async () => {
    const preload = `if (process.send !== undefined) process.exit(3);`;
    const { code, stderr } = await runTool([...brief, "--only", "file1"], { preload });
    expect({ code, left: await readdir(folder) }).toEqual({ code: 1, left: [] });
    expect(stderr).toContain("a local server could not be started: it ended with exit code 3");
  });

  it("ends with code 1 if the memory cannot be measured", async () => {
    const preload = `if (process.argv[1].endsWith("weigh-table.js")) process.exit(4);`;
    const { code, stderr } = await runTool([...brief, "--only", "idle"], { preload });
    expect(code).toBe(1);
    expect(stderr).toContain(
      "idle failed: the memory could not be measured: the process ended with exit code 4",
    );
  });
});

describe("a session benchmark under way", { timeout: 60_000 }, () => {
  const endless = ["--time", "10m", "--warmup", "0", "--only", "memory"];
  const start = async (args: readonly string[]) => {
    const tool = startDemo(program, { args: ["--directory", folder, ...args] });
    await tool.untilWritten(() => tool.output.stderr.includes("listens on"));
    return tool;
  };

  it("ends with code 1 when the server is gone, and leaves no process behind", async () => {
    await using tool = await start(endless);
    process.kill(tool.pids("serve-echo.js")[0] ?? 0, "SIGKILL");
    expect(await tool.ended).toEqual({ code: 1, signal: null });
    expect(tool.output.stderr).toMatch(/^memory failed: /m);
    await tool.untilNothingIsLeft();
  });

  it.each(["SIGINT", "SIGTERM", "SIGKILL"] as const)("takes its servers along at %s", async (signal) => {
    await using tool = await start(endless);
    tool.kill(signal);
    expect(await tool.ended).toEqual({ code: null, signal });
    await tool.untilNothingIsLeft();
  });

  it.each(["SIGINT", "SIGTERM"] as const)("removes its files at %s", async (signal) => {
    const short = ["--time", "5ms", "--warmup", "0", "--rounds", "1000", "--only", "file1"];
    await using tool = await start(short);
    tool.kill(signal);
    expect(await tool.ended).toEqual({ code: null, signal });
    await tool.untilNothingIsLeft();
    expect(await readdir(folder)).toEqual([]);
  });
});

function ratio(of: string, to: string, atLeast: number | null) {
  return { of, to, ...spread, atLeast, met: atLeast === null ? null : aBoolean };
}

function fileRatios(atLeast: number) {
  return [ratio("groupCommit", "syncLoop", atLeast), ratio("groupCommit", "syncEachAppend", null)];
}
