// Runs the demo of the gateway example; `-- --help` tells of its flags.
import { runProgram } from "./run-example.mjs";

await runProgram("demo", "examples/gateway/demo");
