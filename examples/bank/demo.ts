// The bank at work: four client processes transfer money while their server is killed with SIGKILL and their connections
// are cut. Exit code 0 if every transfer was applied exactly once, and if the faults gave it a chance to be otherwise.
//   --seed 1 --kills 10 --cuts 14: the faults; --without-sessions shows what happens otherwise, and fails;
//   --json prints the outcome as one JSON object to stdout
import { planFaults } from "./demo/fault-plan.js";
import { readOptions } from "./demo/read-options.js";
import { runDemo } from "./demo/run-demo.js";
import { runSteps } from "./demo/run-steps.js";
import { openScene } from "./demo/scene.js";

const users = ["alice", "bob", "carol", "dave"];
const options = readOptions(process.argv.slice(2));
const plan = planFaults({ ...options, clients: users.length });

await runDemo({
  ...options,
  limitMs: 20_000,
  open: () => openScene(users),
  run: (steps, scene) => runSteps(steps, scene, plan, options),
});
