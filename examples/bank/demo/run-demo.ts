import { type StepResult, Steps } from "../../storage/demo/steps.js";
import { endOnSignal } from "./end-on-signal.js";

/** A demo that runs step by step. */
export interface StepDemo<Scene, Report> {
  /** Prints the outcome as one JSON object to stdout, and all else to stderr. */
  readonly json: boolean;
  readonly seed: number;
  /** Milliseconds that one step may take. */
  readonly limitMs: number;
  /** Starts the processes. */
  readonly open: () => Promise<Scene>;
  /** Runs the steps; throws where one fails. */
  readonly run: (steps: Steps, scene: Scene) => Promise<Report>;
}

/** Runs a demo as the main thing of this process: tells of its steps, closes the scene, and sets the exit code. */
export async function runDemo<Scene extends { close(): Promise<void> }, Report>(
  demo: StepDemo<Scene, Report>,
): Promise<void> {
  const { json, seed } = demo;
  const say = (line: string) => (json ? console.error(line) : console.log(line));
  const steps = new Steps(demo.limitMs, ({ ok, name, ms, detail }: StepResult) => {
    if (!end.begun)
      say(`${ok ? "ok    " : "FAILED"} ${`${ms}`.padStart(5)} ms  ${name}\n                 ${detail}`);
  });
  const start = performance.now();
  const opening = demo.open();
  const end = endOnSignal(async () => (await opening).close());
  let report: Report | undefined;
  const scene = await opening;
  try {
    report = await demo.run(steps, scene);
  } catch {
    // The step that failed has said why.
    process.exitCode = 1;
  } finally {
    await scene.close();
    end.stop();
  }
  // Whoever was told to end by a signal ends by it, and has no result.
  if (end.begun) return;
  const seconds = ((performance.now() - start) / 1_000).toFixed(1);
  const ok = report !== undefined;
  say(
    `\n${steps.results.length} steps, ${ok ? "all of them well" : `the last of them failed (--seed ${seed})`}, in ${seconds} s`,
  );
  if (json) console.log(JSON.stringify({ ok, report, steps: steps.results }));
}
