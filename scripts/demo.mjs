// Runs the demo of the storage example.
import { runExample } from "./run-example.mjs";

await runExample("demo");
