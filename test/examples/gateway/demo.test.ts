import { describe, expect, it } from "vitest";
import type { Comparison } from "../../../examples/gateway/demo/compare-runs.js";
import { usage } from "../../../examples/gateway/demo/read-options.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { startDemo } from "../start-demo.js";

checkLeaks();

const demoFile = "dist/examples/gateway/demo.js";

describe("the demo of the gateway", { timeout: 60_000 }, () => {
  it("gets every file with and without sessions, and shows what was saved", async () => {
    await using demo = startDemo(demoFile, { args: ["--json", "--files", "30", "--seed", "2"] });
    expect(await demo.ended, demo.output.stderr).toEqual({ code: 0, signal: null });
    await demo.untilNothingIsLeft();
    const { ok, ...found } = JSON.parse(demo.output.stdout) as Comparison & { ok: boolean };
    expect(ok).toBe(true);
    expect(found).toMatchObject({ seed: 2, peers: 8, files: 30, problems: [] });
    const { sessions, without, savedRequests, savedPercent } = found;
    for (const run of [sessions, without]) {
      // Each file is found, and has six blocks at least, most of them once only.
      expect(run.useful).toBeGreaterThan(30 * 6);
      expect(run.requests).toBe(run.useful + run.misses + run.wrong + run.unreachable);
      expect(run.slow).toBeGreaterThan(0);
      expect(run.p95Ms).toBeGreaterThan(run.medianMs);
    }
    expect(sessions.useful).toBe(without.useful);
    expect(sessions.misses).toBeLessThan(without.misses / 2);
    expect(savedRequests).toBe(without.requests - sessions.requests);
    expect(savedPercent).toBeGreaterThanOrEqual(10);
  });

  it("prints a table to stdout without --json", async () => {
    await using demo = startDemo(demoFile, { args: ["--files", "20"] });
    expect(await demo.ended, demo.output.stderr).toEqual({ code: 0, signal: null });
    const { stdout } = demo.output;
    expect(stdout).toMatch(/^20 files, each at 2 or 3 of 8 peers \(--seed 1\)/);
    expect(stdout).toMatch(/^requests +\d+ +\d+$/m);
    expect(stdout).toMatch(/^time per file, p95 +[\d.]+ ms +[\d.]+ ms$/m);
    expect(stdout).toMatch(/^learning saved \d+ of \d+ requests: [\d.]+ %$/m);
  });

  it.each(["SIGINT", "SIGTERM"] as const)("ends by %s, without a result", async (signal) => {
    // The first run begins when its eight peers listen.
    const preload = `
      const { Server } = await import("node:net");
      const listen = Server.prototype.listen;
      Server.prototype.listen = function (...args) {
        console.error("listens");
        return listen.apply(this, args);
      };`;
    await using demo = startDemo(demoFile, { args: ["--files", "1000"], preload });
    await demo.untilWritten(() => demo.output.stderr.split("listens\n").length > 8);
    demo.kill(signal);
    expect(await demo.ended).toEqual({ code: null, signal });
    await demo.untilNothingIsLeft();
    expect(demo.output.stdout).toBe("");
  });

  it.each([
    { args: ["--help"], code: 0, stdout: `${usage}\n`, stderr: "" },
    { args: ["--kills", "3"], code: 1, stdout: "", stderr: "--kills" },
  ])("answers $args at once", async ({ args, code, stdout, stderr }) => {
    await using demo = startDemo(demoFile, { args });
    expect(await demo.ended).toEqual({ code, signal: null });
    expect(demo.output.stdout).toBe(stdout);
    expect(demo.output.stderr).toContain(stderr);
  });
});
