import { connect, createClient } from "quorate";
import { describe, expect, it } from "vitest";
import { freePorts } from "../../examples/storage/demo/free-ports.js";
import { Storage } from "../../examples/storage/gen/storage/v1/storage_quorate.js";
import { checkLeaks } from "../helpers/leaks.js";
import { startDemo } from "./start-demo.js";

checkLeaks();

const script = "scripts/demo.mjs";
const program = "dist/examples/storage/demo.js";

/** Source for one server alone. */
const inServer1 = (source: string) =>
  `if (process.argv[1].endsWith("server.js") && process.argv[2] === "1") { ${source} }`;

interface Outcome {
  readonly ok: boolean;
  readonly steps: readonly { name: string; ok: boolean; ms: number; detail: string }[];
}

describe("the demo", { timeout: 60_000 }, () => {
  it("goes through all steps within 20 s, and prints one JSON object to stdout and the rest to stderr", async () => {
    await using demo = startDemo(script);
    expect(await demo.ended).toEqual({ code: 0, signal: null });
    await demo.untilNothingIsLeft();

    const { ok, steps } = JSON.parse(demo.output.stdout) as Outcome;
    expect(demo.output.stdout).toBe(`${JSON.stringify({ ok, steps })}\n`);
    expect(ok).toBe(true);
    expect(steps.map(({ name }) => name)).toEqual([
      "start three servers",
      "connect two clients",
      "write by quorum",
      "read by quorum",
      "write one-way",
      "a server calls its clients",
      "nested quorum call",
      "kill a server while writes go on",
      "start it again",
      "no write was lost",
      "close in order",
    ]);
    for (const step of steps) {
      expect(step).toEqual({
        name: step.name,
        ok: true,
        ms: expect.any(Number),
        detail: expect.stringMatching(/\w/),
      });
      expect(demo.output.stderr).toContain(`  ${step.name}\n`);
    }
    expect(steps.reduce((sum, { ms }) => sum + ms, 0)).toBeLessThan(20_000);
    expect(demo.output.stderr).toContain("11 steps, all of them well");
    // Three servers, and one of them again.
    expect(demo.pids("server.js")).toHaveLength(4);
    expect(demo.pids("client.js")).toHaveLength(2);
  });

  it.each([
    {
      what: "a server cannot start",
      preload: inServer1(`process.argv[3] = "nowhere";`),
      passed: [],
      step: "start three servers",
      detail: "server 1 ended: exit code 1",
      stderr: "nowhere",
    },
    {
      what: "a server dies in between",
      preload: inServer1(
        `const { send } = process; let answers = 0;
         process.send = (...message) => ++answers > 1 ? process.exit(3) : Reflect.apply(send, process, message);`,
      ),
      passed: ["start three servers"],
      step: "connect two clients",
      detail: "server 1 ended: exit code 3",
      stderr: "FAILED",
    },
  ])("says why it failed if $what, and leaves no process behind", async (failure) => {
    await using demo = startDemo(program, { preload: failure.preload });
    expect(await demo.ended).toEqual({ code: 1, signal: null });
    await demo.untilNothingIsLeft();

    const outcome = JSON.parse(demo.output.stdout) as Outcome;
    expect(outcome).toEqual({
      ok: false,
      steps: [
        ...failure.passed.map((name) => expect.objectContaining({ name, ok: true })),
        { name: failure.step, ok: false, ms: expect.any(Number), detail: failure.detail },
      ],
    });
    expect(demo.output.stderr).toContain(failure.stderr);
    expect(demo.output.stderr).toContain("the last of them failed");
  });
});

describe("the demo's processes", { timeout: 60_000 }, () => {
  const signals = ["SIGINT", "SIGTERM", "SIGKILL"] as const;

  it.each(signals)("end when the demo gets %s while they start", async (signal) => {
    await using demo = startDemo(program);
    await demo.untilWritten(() => demo.pids("server.js").length === 3);
    demo.kill(signal);
    expect(await demo.ended).toEqual({ code: null, signal });
    await demo.untilNothingIsLeft();
    expect(demo.output.stdout).toBe("");
  });

  it.each(signals)("end when the demo gets %s at work", async (signal) => {
    await using demo = startDemo(program);
    await demo.untilWritten(() => demo.output.stderr.includes("  connect two clients\n"));
    demo.kill(signal);
    expect(await demo.ended).toEqual({ code: null, signal });
    await demo.untilNothingIsLeft();
    expect(demo.pids("client.js")).toHaveLength(2);
    expect(demo.output.stdout).toBe("");
  });

  it.each(["SIGINT", "SIGTERM"] as const)("end when the command gets %s", async (signal) => {
    await using demo = startDemo(script);
    await demo.untilWritten(() => demo.output.stderr.includes("  connect two clients\n"));
    demo.kill(signal);
    expect(await demo.ended).toEqual({ code: null, signal });
    await demo.untilNothingIsLeft();
    expect(demo.pids("demo.js")).toHaveLength(1);
  });
});

describe("a server started by hand", { timeout: 30_000 }, () => {
  it.each(["SIGINT", "SIGTERM"] as const)("serves until it gets %s, and ends in order", async (signal) => {
    const [port] = await freePorts(1);
    await using server = startDemo("dist/examples/storage/server.js", { args: ["1", `127.0.0.1:${port}`] });
    await server.untilWritten(() => server.output.stderr.includes(`server 1 listens on 127.0.0.1:${port}\n`));
    await using configuration = await connect({ nodes: [`127.0.0.1:${port}`] });
    const storage = createClient(Storage, configuration.node(1));
    await storage.writeRPC({ key: "k", value: "v", time: { seconds: 1n } });
    expect(await storage.readRPC({ key: "k" })).toMatchObject({ value: "v" });
    server.kill(signal);
    expect(await server.ended).toEqual({ code: 0, signal: null });
    await server.untilNothingIsLeft();
  });
});
