// Builds all and runs a program of it in a process of its own. Its stdout is the program's
// alone: installer and compiler go to stderr. What this process is told by signals, the program is told.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { ensureInstalled } from "./ensure-installed.mjs";

/** Runs a program of the storage example with our arguments, and ends as it does. */
export function runExample(program) {
  return runProgram(program, `examples/storage/${program}`);
}

/** Runs dist/<file>.js with our arguments, and ends as it does. */
export async function runProgram(name, file) {
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
    console.error(`The ${name} could not be built.`);
    process.exit(1);
  }

  const script = join(root, "dist", `${file}.js`);
  const child = spawn(process.execPath, ["--enable-source-maps", script, ...process.argv.slice(2)], {
    stdio: "inherit",
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to both processes; twice could mean "at once" to the program.
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.once("error", (error) => {
    console.error(`The ${name} could not be started: ${error.message}`);
    process.exit(1);
  });
  child.once("exit", (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
