// Runs the benchmark of sessions over etcd; `--help` tells of its options.
import { runProgram } from "./run-example.mjs";

await runProgram("etcd benchmark", "bench/etcd/main");
