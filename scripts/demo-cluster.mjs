// Runs the demo of the bank example on three servers; `-- --help` tells of its flags.
import { runProgram } from "./run-example.mjs";

await runProgram("demo", "examples/bank/demo-cluster");
