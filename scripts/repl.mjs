// Runs the storage example by commands; `--help` tells of the flags.
import { runExample } from "./run-example.mjs";

await runExample("repl");
