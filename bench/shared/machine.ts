import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, loadavg, release, type } from "node:os";

/** What was measured, and on what. */
export interface Machine {
  readonly date: string;
  readonly processor: string;
  readonly cores: number;
  readonly system: string;
  /** The mean number of processes that wanted a core in the minute before. */
  readonly load: number;
  readonly node: string;
  readonly quorate: string;
  readonly grpc: string;
}

/** This machine, now. */
export function thisMachine(): Machine {
  return {
    date: new Date().toISOString(),
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    system: `${type()} ${release()}`,
    load: loadavg()[0] ?? 0,
    node: process.versions.node,
    quorate: versionOf("quorate"),
    grpc: versionOf("@grpc/grpc-js"),
  };
}

/** The machine in two lines. */
export function formatMachine(machine: Machine): string {
  const { cores, grpc, load, node, processor, quorate, system } = machine;
  const versions = `Node ${node}, quorate ${quorate}, grpc-js ${grpc}`;
  return `${cores} × ${processor}, ${system}, load ${load.toFixed(2)}\n${versions}`;
}

function versionOf(name: string): string {
  const path = createRequire(import.meta.url).resolve(`${name}/package.json`);
  const { version }: { version: string } = JSON.parse(readFileSync(path, "utf8"));
  return version;
}
