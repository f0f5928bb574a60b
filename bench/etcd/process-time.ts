import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Microseconds of processor time that these processes have taken so far; undefined where the system does not say. */
export function processMicros(pids: readonly number[]): number | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    return pids.reduce((sum, pid) => sum + ticksOf(pid) * microsOfTick(), 0);
  } catch {
    return undefined;
  }
}

/** Those of user and kernel, the 14th and 15th field; the second one is a name in brackets, of any characters. */
function ticksOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

let tickMicros: number | undefined;

function microsOfTick(): number {
  tickMicros ??= 1e6 / Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
  return tickMicros;
}
