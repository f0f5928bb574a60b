// The benchmark tool: `--help` tells of its options, README.md how to read what it prints.
import { writeFile } from "node:fs/promises";
import { listenForInterruption } from "../shared/interruption.js";
import { formatMachine, thisMachine } from "../shared/machine.js";
import { naming, textOf } from "../shared/naming.js";
import { rateBenchmarks } from "./benchmarks.js";
import { type IdleMemory, measureIdleMemory } from "./idle-memory.js";
import { parseOptions, type RunOptions } from "./options.js";
import { formatComparison, formatIdleMemory, formatTableCosts } from "./report.js";
import type { NamedComparison, Results } from "./results.js";
import { measureTableCost, type TableCost } from "./table-cost.js";
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

async function run(options: RunOptions, signal: AbortSignal): Promise<void> {
  const { connections, directory, json, rounds, timeMs, warmupMs } = options;
  const machine = thisMachine();
  console.log(formatMachine(machine));
  const rates = await runRates(options, signal);
  const table = runTable(options);
  signal.throwIfAborted();
  const idle = await runIdle(options, signal);
  if (json === undefined) return;
  const settings = { rounds, timeMs, warmupMs, connections, directory };
  const results: Results = { machine, settings, rates, table, idle };
  await naming("--json", () => writeFile(json, `${JSON.stringify(results, undefined, 2)}\n`));
}

async function runRates(options: RunOptions, signal: AbortSignal): Promise<NamedComparison[]> {
  const results: NamedComparison[] = [];
  for (const { name, description, run: measure } of rateBenchmarks) {
    if (!options.only.includes(name)) continue;
    tell(`${name}: ${options.rounds} rounds of ${options.timeMs} ms for each`);
    const found = await naming(`${name} failed`, () => measure({ ...options, signal }));
    const result = { name, description, ...found };
    print(formatComparison(result));
    results.push(result);
  }
  return results;
}

function runTable({ only, tableSessions, timeMs, warmupMs }: RunOptions): TableCost[] {
  if (!only.includes("table")) return [];
  const sizes = [tableSessions / 100, tableSessions / 10, tableSessions].map(Math.floor);
  tell(`table: ${sizes.join(", ")} sessions`);
  // The first one would be measured with code that is not compiled yet.
  measureTableCost(Math.min(...sizes), 0, warmupMs);
  const costs = sizes.map((sessions) => measureTableCost(sessions, timeMs, warmupMs));
  print(formatTableCosts(costs));
  return costs;
}

async function runIdle({ only, tableSessions }: RunOptions, signal: AbortSignal): Promise<IdleMemory | null> {
  if (!only.includes("idle")) return null;
  tell(`idle: ${tableSessions} sessions`);
  const idle = await naming("idle failed", () => measureIdleMemory(tableSessions, signal));
  print(formatIdleMemory(idle));
  return idle;
}

function print(text: string): void {
  console.log(`\n${text}`);
}

function tell(text: string): void {
  console.error(text);
}
