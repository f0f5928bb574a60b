// Runs the demo of the storage example. Its stdout is the demo's alone: installer and compiler go to stderr.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { ensureInstalled } from "./ensure-installed.mjs";

try {
  await ensureInstalled();
} catch (error) {
  console.error(`The dependencies could not be installed: ${error.message}`);
  process.exit(1);
}

const { build, root } = await import("./tools.mjs");
const built = await build({ generator: false });
if (built.output !== "") process.stderr.write(built.output);
if (built.code !== 0) {
  console.error("The demo could not be built.");
  process.exit(1);
}

const child = spawn(
  process.execPath,
  ["--enable-source-maps", join(root, "dist/examples/storage/demo.js"), ...process.argv.slice(2)],
  { stdio: "inherit" },
);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    // A terminal sends Ctrl-C to both processes; twice could mean "at once" to the demo.
    if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
  });
}
child.once("error", (error) => {
  console.error(`The demo could not be started: ${error.message}`);
  process.exit(1);
});
child.once("exit", (code, signal) => {
  if (signal === null) process.exit(code);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
