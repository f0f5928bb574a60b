// The bank at work: four client processes transfer money while their server is killed with SIGKILL and their connections
// are cut. Exit code 0 if every transfer was applied exactly once, and if the faults gave it a chance to be otherwise.
//   --seed 1 --kills 10 --cuts 14: the faults; --without-sessions shows what happens otherwise, and fails;
//   --json prints the outcome as one JSON object to stdout
import { type StepResult, Steps } from "../storage/demo/steps.js";
import { endOnSignal } from "./demo/end-on-signal.js";
import { planFaults } from "./demo/fault-plan.js";
import { readOptions } from "./demo/read-options.js";
import type { RunReport } from "./demo/run-report.js";
import { runSteps } from "./demo/run-steps.js";
import { openScene } from "./demo/scene.js";

const users = ["alice", "bob", "carol", "dave"];
const options = readOptions(process.argv.slice(2));
const { json, seed } = options;
const plan = planFaults({ ...options, clients: users.length });

const say = (line: string) => (json ? console.error(line) : console.log(line));
const steps = new Steps(20_000, ({ ok, name, ms, detail }: StepResult) => {
  if (!end.begun)
    say(`${ok ? "ok    " : "FAILED"} ${`${ms}`.padStart(5)} ms  ${name}\n                 ${detail}`);
});
const start = performance.now();
const opening = openScene(users);
const end = endOnSignal(async () => (await opening).close());
let report: RunReport | undefined;
const scene = await opening;
try {
  report = await runSteps(steps, scene, plan, options);
} catch {
  // The step that failed has said why.
  process.exitCode = 1;
} finally {
  await scene.close();
  end.stop();
}
// Whoever was told to end by a signal ends by it, and has no result.
if (!end.begun) {
  const seconds = ((performance.now() - start) / 1_000).toFixed(1);
  const ok = report !== undefined;
  say(
    `\n${steps.results.length} steps, ${ok ? "all of them well" : `the last of them failed (--seed ${seed})`}, in ${seconds} s`,
  );
  if (json) console.log(JSON.stringify({ ok, report, steps: steps.results }));
}
