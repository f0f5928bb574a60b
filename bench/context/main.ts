// The benchmark tool: `--help` tells of its options, README.md how to read what it prints.
import { writeFile } from "node:fs/promises";
import { listenForInterruption } from "../shared/interruption.js";
import { formatMachine, thisMachine } from "../shared/machine.js";
import { naming, textOf } from "../shared/naming.js";
import { benchmarks } from "./benchmarks.js";
import { parseOptions, type RunOptions } from "./options.js";
import { formatBenchmark } from "./report.js";
import type { BenchmarkResult, Results } from "./results.js";
import { listBenchmarks, usage } from "./usage.js";

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const command = parseOptions(args);
  switch (command.kind) {
    case "help":
      console.log(usage);
      return 0;
    case "list":
      console.log(listBenchmarks());
      return 0;
    case "refused":
      console.error(`${command.reason}\n--help tells of the options.`);
      return 2;
    case "run":
      break;
  }
  const interruption = listenForInterruption();
  try {
    await run(command.options, interruption.signal);
    return 0;
  } catch (error) {
    console.error(textOf(error));
    return 1;
  } finally {
    interruption.end();
  }
}

async function run({ json, only, ...settings }: RunOptions, signal: AbortSignal): Promise<void> {
  const machine = thisMachine();
  console.log(formatMachine(machine));
  const found: BenchmarkResult[] = [];
  for (const { name, description, run: measure } of benchmarks) {
    if (!only.includes(name)) continue;
    console.error(`${name}: ${settings.rounds} rounds of ${settings.timeMs} ms for each`);
    const rows = await naming(`${name} failed`, () => measure(settings, signal));
    const result = { name, description, rows };
    console.log(`\n${formatBenchmark(result)}`);
    found.push(result);
  }
  if (json === undefined) return;
  const results: Results = { machine, settings, benchmarks: found };
  await naming("--json", () => writeFile(json, `${JSON.stringify(results, undefined, 2)}\n`));
}
