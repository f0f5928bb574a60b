import { describe, expect, it } from "vitest";
import type { JsonResult } from "../../../bench/storage/report.js";
import { startDemo } from "../../examples/start-demo.js";
import { checkLeaks } from "../../helpers/leaks.js";

checkLeaks();

const command = "scripts/bench-storage.mjs";
const program = "dist/bench/storage/main.js";
const brief = ["--time", "50ms", "--warmup", "10ms"];
const names = ["AsyncQuorumCall", "Multicast", "QuorumCall", "SlowServer"];

interface Printed {
  readonly nodes: readonly string[];
  readonly settings: { readonly quorumSize: number };
  readonly results: readonly JsonResult[];
}

/** Runs the tool to its end. */
async function runTool(args: readonly string[], { file = program, preload = "" } = {}) {
  await using tool = startDemo(file, { args, preload });
  const ended = await tool.ended;
  await tool.untilNothingIsLeft();
  return { ...ended, ...tool.output, processes: tool.pids("main.js").length };
}

/** Starts a server on a port that the system chooses. */
async function startServer() {
  const server = startDemo(program, { args: ["--server", "127.0.0.1:0"] });
  const listens = () => /^benchmark server listens on (.+)$/m.exec(server.output.stderr);
  await server.untilWritten(() => listens() !== null);
  return { server, address: listens()?.[1] ?? "" };
}

function expectMeasured({ results }: Printed, servers: number): void {
  for (const result of results) {
    expect(result).toEqual({
      name: expect.any(String),
      operations: expect.any(Number),
      opsPerSecond: expect.any(Number),
      latencyMeanMs: expect.any(Number),
      latencyStdDevMs: result.latencyStdDevMs,
      heapBytesPerOp: expect.any(Number),
      collections: expect.any(Number),
      client: { heapBytes: expect.any(Number), collections: expect.any(Number) },
      servers: expect.any(Array),
    });
    expect(result.operations, result.name).toBeGreaterThan(0);
    expect(result.opsPerSecond, result.name).toBeGreaterThan(0);
    expect(result.heapBytesPerOp, result.name).toBeGreaterThan(0);
    expect(result.servers).toHaveLength(servers);
    for (const { heapBytes } of result.servers) expect(heapBytes, result.name).toBeGreaterThan(0);
  }
}

describe("the benchmark tool", { timeout: 60_000 }, () => {
  it("[BM-01] lists the benchmarks with their descriptions", async () => {
    const { code, processes, stdout } = await runTool(["--list"]);
    expect({ code, processes }).toEqual({ code: 0, processes: 1 });
    const lines = stdout.trimEnd().split("\n");
    const listed = lines.map((line) => /^(\w+): +\w.{20,}$/.exec(line)?.[1] ?? line);
    expect(listed).toEqual(["QuorumCall", "AsyncQuorumCall", "SlowServer", "Multicast"]);
  });

  it("[W-34] runs all on four servers of its own, on ports that are free, and prints a table", async () => {
    const runs = await Promise.all([runTool(brief, { file: command }), runTool(brief)]);
    for (const { code, processes, stderr, stdout } of runs) {
      expect({ code, processes }, stderr).toEqual({ code: 0, processes: 5 });
      const [header, ...rows] = stdout.trimEnd().split("\n");
      expect(header).toMatch(/^Benchmark +ops\/sec +mean ms +std-dev ms +client\+servers B\/op +GCs$/);
      const found = rows.map((row) => {
        const [name, perSecond, ...rest] = row.split(/ +/);
        expect(Number(perSecond), row).toBeGreaterThan(0);
        expect(rest, row).toHaveLength(4);
        return name;
      });
      expect(found).toEqual(names);
    }
  });

  it("[W-34] waits for a majority, and prints one JSON object of what it found", async () => {
    const { code, stderr, stdout } = await runTool([...brief, "--json", "--payload", "1000"]);
    expect(code, stderr).toBe(0);
    const printed = JSON.parse(stdout) as Printed;
    expect(stdout).toBe(`${JSON.stringify(printed)}\n`);
    expect(new Set(printed.nodes).size).toBe(4);
    expect(printed.settings).toEqual({
      quorumSize: 3,
      timeMs: 50,
      warmupMs: 10,
      payloadBytes: 1_000,
      concurrent: 1,
      maxAsync: 1_000,
      sendBuffer: 0,
      recvBuffer: 0,
    });
    expect(printed.results.map(({ name }) => name)).toEqual(names);
    expectMeasured(printed, 4);
  });

  it("[BM-03] [BM-09] measures on servers elsewhere, which run until SIGINT or SIGTERM", async () => {
    const [one, other] = await Promise.all([startServer(), startServer()]);
    await using first = one.server;
    await using second = other.server;
    const nodes = [one.address, other.address];
    const args = [...brief, "--json", "--remotes", nodes.join(","), "--benchmarks", "^[MQ]"];
    for (const [size, expected] of [
      ["0", nodes],
      ["9", nodes],
      ["1", nodes.slice(0, 1)],
    ] as const) {
      const { code, processes, stderr, stdout } = await runTool([...args, "--config-size", size]);
      expect({ code, processes }, stderr).toEqual({ code: 0, processes: 1 });
      const printed = JSON.parse(stdout) as Printed;
      expect(printed.nodes).toEqual(expected);
      expect(printed.settings.quorumSize).toBe(expected.length);
      expect(printed.results.map(({ name }) => name)).toEqual(["Multicast", "QuorumCall"]);
      expectMeasured(printed, expected.length);
    }
    first.kill("SIGTERM");
    second.kill("SIGINT");
    expect(await Promise.all([first.ended, second.ended])).toEqual([
      { code: 0, signal: null },
      { code: 0, signal: null },
    ]);
  });

  it("[BM-06] bounds what waits to be sent by --send-buffer", async () => {
    const args = ["--benchmarks", "^Async", "--max-async", "50", "--config-size", "1", "--send-buffer", "1"];
    const { code, stderr } = await runTool([...brief, ...args]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining("AsyncQuorumCall failed: "),
    });
    expect(stderr).toContain("send queue");
  });

  it("[BM-06] bounds what waits at a server by --recv-buffer", async () => {
    const args = ["--benchmarks", "^Slow", "--concurrent", "10", "--config-size", "1", "--json"];
    const { code, stderr, stdout } = await runTool([...brief, ...args, "--recv-buffer", "1"]);
    expect(code, stderr).toBe(0);
    const { results } = JSON.parse(stdout) as Printed;
    // A server that takes one request after the other, for 10 ms each, cannot answer more.
    expect(results[0]?.opsPerSecond).toBeLessThanOrEqual(100);
    expect(results[0]?.opsPerSecond).toBeGreaterThan(0);
  });

  it.each([
    { args: ["--time", "soon"], code: 2, says: "--time must be a time" },
    { args: ["--server", "nowhere"], code: 2, says: "--server: " },
    { args: ["--remotes", "nowhere"], code: 2, says: "--remotes: " },
    { args: ["--remotes", "127.0.0.1:1"], code: 1, says: "the servers cannot all be reached: " },
    { args: ["--server", "192.0.2.1:1"], code: 1, says: "192.0.2.1:1" },
  ])("ends with code $code after $args, and says why", async ({ args, code, says }) => {
    const result = await runTool(args);
    expect(result.stderr).toContain(says);
    expect(result).toMatchObject({ code, stdout: "" });
  });

  it("ends with code 1 if a server of its own does not start", async () => {
    const preload = `if (process.send !== undefined) process.exit(3);`;
    const { code, stderr, stdout } = await runTool(brief, { preload });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("a local server could not be started: it ended with exit code 3");
  });
});

describe("a benchmark under way", { timeout: 60_000 }, () => {
  const endless = ["--time", "10m", "--benchmarks", "^QuorumCall$", "--config-size", "2"];
  const start = async () => {
    const tool = startDemo(program, { args: endless });
    await tool.untilWritten(() => tool.output.stderr.includes("QuorumCall: "));
    return tool;
  };

  it("ends with code 1 when a server that it needs is gone, and leaves no process behind", async () => {
    await using tool = await start();
    const [, server] = tool.pids("main.js");
    process.kill(server ?? 0, "SIGKILL");
    expect(await tool.ended).toEqual({ code: 1, signal: null });
    expect(tool.output.stderr).toContain("QuorumCall failed: ");
    await tool.untilNothingIsLeft();
  });

  it.each(["SIGINT", "SIGTERM", "SIGKILL"] as const)("takes its servers along at %s", async (signal) => {
    await using tool = await start();
    tool.kill(signal);
    expect(await tool.ended).toEqual({ code: null, signal });
    await tool.untilNothingIsLeft();
    expect(tool.output.stdout).toBe("");
  });
});
