// Runs the session benchmark tool; `--help` tells of its options.
import { runProgram } from "./run-example.mjs";

await runProgram("session benchmark", "bench/sessions/main");
