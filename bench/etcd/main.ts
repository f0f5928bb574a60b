// The benchmark tool: `--help` tells of its options, README.md how to read what it prints.
import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { hasEtcd } from "../../examples/bank/demo/local-etcd.js";
import { listenForInterruption } from "../shared/interruption.js";
import { formatMachine, thisMachine } from "../shared/machine.js";
import { naming, textOf } from "../shared/naming.js";
import { benchmarks } from "./benchmarks.js";
import { parseOptions, type RunOptions } from "./options.js";
import { formatComparison, formatTargets } from "./report.js";
import type { NamedComparison, Results } from "./results.js";
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
  if (!hasEtcd()) {
    console.log("skipped: there is no etcd on the PATH");
    return process.env["QUORATE_REQUIRE"]?.split(",").includes("etcd") === true ? 1 : 0;
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
  const { json, only, ...settings } = options;
  const machine = thisMachine();
  const etcd = etcdVersion();
  console.log(`${formatMachine(machine)}, etcd ${etcd}, members: ${settings.members}`);
  const results: NamedComparison[] = [];
  for (const { name, description, unit, run: measure } of benchmarks) {
    if (!only.includes(name)) continue;
    console.error(`${name}: ${settings.rounds} rounds`);
    const found = await naming(`${name} failed`, () => measure({ ...settings, signal }));
    const result = { name, description, unit, ...found };
    console.log(`\n${formatComparison(result)}`);
    results.push(result);
  }
  const targets = formatTargets(results);
  if (targets !== "") console.log(`\n${targets}`);
  if (json === undefined) return;
  const all: Results = { machine, etcd, settings, results };
  await naming("--json", () => writeFile(json, `${JSON.stringify(all, undefined, 2)}\n`));
}

function etcdVersion(): string {
  const text = execFileSync("etcd", ["--version"], { encoding: "utf8" });
  return /etcd Version: (\S+)/.exec(text)?.[1] ?? "unknown";
}
