// The bank on three servers: six client processes transfer money while servers and the leader of etcd are killed, and one
// server is stopped for a while. Exit code 0 if every transfer was applied exactly once, and if all servers agree.
//   --help tells of the flags
import { readClusterOptions, usage } from "./cluster/cluster-options.js";
import { planClusterFaults } from "./cluster/cluster-plan.js";
import { openClusterScene } from "./cluster/cluster-scene.js";
import { runClusterSteps } from "./cluster/run-cluster-steps.js";
import { hasEtcd } from "./demo/local-etcd.js";
import { runDemo } from "./demo/run-demo.js";

const users = ["alice", "bob", "carol", "dave", "erin", "frank"];
const command = readClusterOptions(process.argv.slice(2));

if (command.kind === "help") {
  console.log(usage);
} else if (!hasEtcd()) {
  const skipped = "there is no `etcd` on the PATH";
  const ok = !process.env["QUORATE_REQUIRE"]?.split(",").includes("etcd");
  console.error(`skipped: ${skipped}`);
  if (command.json) console.log(JSON.stringify({ ok, skipped }));
  if (!ok) process.exitCode = 1;
} else {
  const plan = planClusterFaults(command);
  await runDemo({
    ...command,
    limitMs: 30_000,
    open: () => openClusterScene(users),
    run: (steps, scene) => runClusterSteps(steps, scene, plan, command),
  });
}
