import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Results } from "../../../bench/etcd/results.js";
import { startDemo } from "../../examples/start-demo.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { useEtcd } from "../../helpers/use-etcd.js";

checkLeaks();

const command = "scripts/bench-etcd.mjs";
const program = "dist/bench/etcd/main.js";
const endless = ["--time", "10m", "--warmup", "0", "--only"];
const brief = ["--rounds", "2", "--time", "50ms", "--warmup", "5ms", "--entries", "640", "--snapshot", "1"];

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "quorate-bench-test-"));
});
// Of a benchmark that was killed, etcd may still be about to end.
afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));

/** Starts the tool, which has its temporary files in the folder. */
function startTool(args: readonly string[], { file = program, preload = "" } = {}) {
  return startDemo(file, { args, preload: `process.env.TMPDIR = ${JSON.stringify(folder)}; ${preload}` });
}

/** Runs the tool to its end. */
async function runTool(args: readonly string[], options: { file?: string; preload?: string } = {}) {
  await using tool = startTool(args, options);
  const ended = await tool.ended;
  await tool.untilNothingIsLeft();
  return { ...ended, ...tool.output, servers: tool.pids("serve-value.js").length };
}

const spread = { median: expect.any(Number), least: expect.any(Number), most: expect.any(Number) };
const aNumber: unknown = expect.any(Number);
const aBoolean: unknown = expect.any(Boolean);

describe("the etcd benchmark", { timeout: 120_000 }, () => {
  // What this starts is not used: it says whether there is an etcd, as for all tests with one.
  useEtcd();

  it("measures all, prints what it found, and writes it as JSON", async () => {
    const json = join(folder, "results.json");
    const { code, servers, stderr, stdout } = await runTool([...brief, "--json", json], { file: command });
    expect({ code, servers }, stderr).toEqual({ code: 0, servers: 8 });
    expect(await readdir(folder)).toEqual(["results.json"]);
    expect(stdout).toMatch(/^\d+ × .+, load [\d.]+\nNode .+, etcd \d+\.\d+\.\d+, members: 3\n/);
    expect(stdout).toMatch(/\n +target +reached/);

    const results = JSON.parse(await readFile(json, "utf8")) as Results;
    expect(results.settings).toEqual({
      rounds: 2,
      timeMs: 50,
      warmupMs: 5,
      members: 3,
      rate: 200,
      entries: 640,
      snapshotMib: 1,
    });
    const ratio = (of: string, to: string, kind: string | null, value = 0) => {
      const target = kind === null ? null : { kind, value };
      return { of, to, ...spread, target, met: kind === null ? null : aBoolean };
    };
    const write = { unit: "per second", ratios: [ratio("sessions", "puts", "at least", 1.5)] };
    const reads = ["linearizable", "local"].map((of) => ratio(of, "plain", "at least", 0.7));
    const read = { unit: "per second", ratios: reads };
    expect(results.results.map(({ name, ratios, unit }) => ({ name, ratios, unit }))).toEqual([
      { name: "write1", ...write },
      { name: "write16", ...write },
      { name: "large1", ...write },
      { name: "large16", ...write },
      { name: "read1", ...read },
      { name: "read16", ...read },
      { name: "apply", unit: "ms", ratios: [ratio("append to apply", "put to watch", "below", 3)] },
      { name: "append", unit: "ms", ratios: [ratio("append", "put", null)] },
      { name: "catchup", unit: "per second", ratios: [] },
      { name: "snapshot", unit: "MB/s", ratios: [] },
    ]);
    for (const { contestants, name } of results.results) {
      expect(stdout).toContain(`\n${name}: `);
      for (const { cpu, rounds, value, ...contestant } of contestants) {
        const place = `${name}: ${contestant.name}`;
        expect(value, place).toEqual(spread);
        expect(rounds, place).toHaveLength(2);
        for (const found of rounds) expect(found, place).toBeGreaterThan(0);
        const isRate = /^(write|large|read)/.test(name);
        const server = contestant.name === "puts" ? null : aNumber;
        const etcd = process.platform === "linux" ? aNumber : null;
        expect(cpu, place).toEqual(isRate ? { client: aNumber, server, etcd } : null);
        const isBatched = contestant.name === "sessions" && !name.startsWith("read");
        expect(contestant.batch, place).toEqual(isBatched ? aNumber : null);
      }
    }
  });

  it("runs what it is told to run, on one member", async () => {
    const json = join(folder, "results.json");
    const args = [...brief, "--only", "append", "--members", "1", "--json", json];
    const { code, servers, stderr } = await runTool(args);
    expect({ code, servers }, stderr).toEqual({ code: 0, servers: 0 });
    const { results, settings } = JSON.parse(await readFile(json, "utf8")) as Results;
    expect({ names: results.map(({ name }) => name), members: settings.members }).toEqual({
      names: ["append"],
      members: 1,
    });
  });

  it.each([
    { args: ["--only", "append", "--members", "1", "--json", "/dev/null/x", ...brief], says: "--json: " },
    { args: ["--only", "write1", "--members", "1", ...brief], says: "write1 failed: a local server could" },
  ])("ends with code 1 after $args where that fails, and says why", async ({ args, says }) => {
    const preload = `if (process.send !== undefined) process.exit(3);`;
    const { code, stderr } = await runTool(args, { preload });
    expect({ code, left: await readdir(folder) }).toEqual({ code: 1, left: [] });
    expect(stderr).toContain(says);
  });

  it("ends with code 1 when the server is gone, and leaves no process behind", async () => {
    await using tool = startTool([...endless, "read1"]);
    await tool.untilWritten(() => tool.output.stderr.includes("listens on"));
    process.kill(tool.pids("serve-value.js")[0] ?? 0, "SIGKILL");
    expect(await tool.ended).toEqual({ code: 1, signal: null });
    expect(tool.output.stderr).toMatch(/^read1 failed: /m);
    await tool.untilNothingIsLeft();
  });

  it.each([
    { signal: "SIGINT", isRemoved: true },
    { signal: "SIGTERM", isRemoved: true },
    { signal: "SIGKILL", isRemoved: false },
  ] as const)("takes its processes along at $signal", async ({ signal, isRemoved }) => {
    await using tool = startTool([...endless, "write1"]);
    await tool.untilWritten(() => tool.output.stderr.includes("listens on"));
    tool.kill(signal);
    expect(await tool.ended).toEqual({ code: null, signal });
    await tool.untilNothingIsLeft();
    expect((await readdir(folder)).length === 0).toBe(isRemoved);
  });
});

describe("the etcd benchmark without etcd", { timeout: 60_000 }, () => {
  const without = (required: string) =>
    `process.env.PATH = "/nonexistent"; process.env.QUORATE_REQUIRE = "${required}";`;

  it.each([
    { required: "", code: 0 },
    { required: "go", code: 0 },
    { required: "go,etcd", code: 1 },
  ])("is skipped, and ends with code $code where '$required' is required", async ({ required, code }) => {
    const { stdout, ...ended } = await runTool(brief, { preload: without(required) });
    expect({ stdout, code: ended.code }, ended.stderr).toEqual({
      stdout: "skipped: there is no etcd on the PATH\n",
      code,
    });
  });

  it.each([
    { args: ["--help"], code: 0, says: "" },
    { args: ["--list"], code: 0, says: "" },
    { args: ["--rounds", "none"], code: 2, says: "--rounds must be an integer" },
  ])("ends with code $code after $args all the same", async ({ args, code, says }) => {
    const result = await runTool(args, { preload: without("etcd") });
    expect(result.code).toBe(code);
    expect(result.stderr).toContain(says);
  });
});
