import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { eventually } from "../helpers/eventually.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Makes each process of the demo tell its id. */
const tellPid = `console.error("[" + process.pid + " " + process.argv[1] + "]");`;

/** A demo that is under way, as the one who started it sees it. */
export interface Demo extends AsyncDisposable {
  /** What its processes have written so far. */
  readonly output: { readonly stdout: string; readonly stderr: string };
  /** What it reads, if that is a pipe. */
  readonly stdin: Writable | null;
  /** How it ended; resolves although processes that it started may still be there. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** The ids of its processes that run this file, in the order in which they were started. */
  pids(file: string): number[];
  kill(signal: NodeJS.Signals): void;
  /** Waits until what was written fulfills the condition. */
  untilWritten(condition: () => boolean): Promise<void>;
  /** Waits until no process is left of all that belonged to it. */
  untilNothingIsLeft(): Promise<void>;
}

/** How {@link startDemo} runs a file. */
export interface StartOptions {
  readonly args?: readonly string[];
  readonly preload?: string;
  readonly stdin?: "ignore" | "pipe";
}

/**
 * Runs a file of the repository in a process of its own.
 *
 * @param options.args default `--json`
 * @param options.stdin `pipe` to write to it; default: it has nothing to read
 * @param options.preload source that each of its processes runs before the program, to make it fail
 */
export function startDemo(
  file: string,
  { args = ["--json"], preload = "", stdin = "ignore" }: StartOptions = {},
): Demo {
  const source = `data:text/javascript,${encodeURIComponent(tellPid + preload)}`;
  const child = spawn(process.execPath, [join(root, file), ...args], {
    cwd: root,
    env: { ...process.env, NODE_OPTIONS: `--import=${source}` },
    stdio: [stdin, "pipe", "pipe"],
  });
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error("there are no pipes");
  const output = { stdout: "", stderr: "" };
  stdout.setEncoding("utf8").on("data", (text: string) => {
    output.stdout += text;
  });
  stderr.setEncoding("utf8").on("data", (text: string) => {
    output.stderr += text;
  });
  // Its processes inherit the pipes, so these are closed when the last of them is gone.
  let closed = false;
  child.once("close", () => {
    closed = true;
  });
  const untilClosed = async () => {
    if (closed) return;
    await once(child, "close", { signal: AbortSignal.timeout(10_000) }).catch((cause: unknown) => {
      const left = alive().map(({ pid, path }) => `${pid} ${basename(path)}`);
      throw new Error(`these processes are left: ${left.join(", ")}`, { cause });
    });
  };
  const ended = new Promise<Awaited<Demo["ended"]>>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  const processes = () =>
    [...output.stderr.matchAll(/^\[(\d+) (.+)\]$/gm)].map(([, pid, path]) => ({
      pid: Number(pid),
      path: path ?? "",
    }));
  const alive = () => processes().filter(({ pid }) => isAlive(pid));
  return {
    output,
    stdin: child.stdin,
    ended,
    pids: (name) =>
      processes()
        .filter(({ path }) => basename(path) === name)
        .map(({ pid }) => pid),
    kill: (signal) => {
      child.kill(signal);
    },
    untilWritten: async (condition) => {
      const limit = AbortSignal.timeout(20_000);
      while (!condition()) {
        const seen = new AbortController();
        const signal = AbortSignal.any([limit, seen.signal]);
        const next = [stdout, stderr].map((stream) => once(stream, "data", { signal }));
        const written = await Promise.race([...next, ended.then(() => undefined)]).catch(() => undefined);
        seen.abort();
        await Promise.allSettled(next);
        if (written !== undefined || condition()) continue;
        throw new Error(`that was not written:\n${output.stderr}`);
      }
    },
    untilNothingIsLeft: async () => {
      await untilClosed();
      await eventually(() => alive().length === 0, "that no process is left");
    },
    [Symbol.asyncDispose]: async () => {
      if (!closed) for (const { pid } of alive()) process.kill(pid, "SIGKILL");
      await untilClosed();
    },
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // What nobody has waited for yet is a zombie: dead, although it can be signalled.
  if (process.platform !== "linux") return true;
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
