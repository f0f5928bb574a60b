// Runs the benchmark tool; `--help` tells of its options.
import { runProgram } from "./run-example.mjs";

await runProgram("benchmark tool", "bench/storage/main");
