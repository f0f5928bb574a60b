// Runs the benchmark tool of context sessions; `--help` tells of its options.
import { runProgram } from "./run-example.mjs";

await runProgram("benchmark of context sessions", "bench/context/main");
