// Runs the demo of the bank example; `-- --seed 7` makes other faults.
import { runProgram } from "./run-example.mjs";

await runProgram("demo", "examples/bank/demo");
