import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startServerProcess } from "../shared/server-process.js";

const logKinds = ["memory", "file", "fileSyncEach"] as const;

/** What a server has for a log: one in memory, one in files, or one in files that syncs each append by itself. */
export type LogKind = (typeof logKinds)[number];

/** Whether it is the name of one. */
export function isLogKind(name: string | undefined): name is LogKind {
  return logKinds.some((kind) => kind === name);
}

/** What a server says of itself. */
export interface ServerStatistics {
  /** Microseconds of processor time that its process has taken so far. */
  readonly cpuMicros: number;
  /** Requests that its state machine has seen. */
  readonly counted: number;
}

/** A server of the benchmark, in a process of its own, which ends with this one. */
export interface EchoServer extends AsyncDisposable {
  readonly address: string;
  /** Ends when its process has ended; the reason says how. */
  readonly gone: AbortSignal;
  statistics(): Promise<ServerStatistics>;
}

/** How a server is started. */
export interface EchoServerInit {
  readonly log: LogKind;
  /** Where the files of its log may be. */
  readonly directory: string;
  /** After so many milliseconds it ends, whatever becomes of the benchmark. */
  readonly lifeMs: number;
  /** Ends it at once. */
  readonly signal: AbortSignal;
}

/** Starts a server on 127.0.0.1, on a port that the system chooses. */
export async function startEchoServer(init: EchoServerInit): Promise<EchoServer> {
  const { log, directory, lifeMs, signal } = init;
  const program = fileURLToPath(new URL("serve-echo.js", import.meta.url));
  const server = await startServerProcess(program, [log, join(directory, log), `${lifeMs}`], signal);
  const { address, child } = server;
  const gone = new AbortController();
  child.once("exit", (code, killedBy) => {
    gone.abort(new Error(`the server has ended with ${killedBy ?? `exit code ${code}`}`));
  });
  return {
    address,
    gone: gone.signal,
    statistics: async () => {
      gone.signal.throwIfAborted();
      const late = AbortSignal.timeout(answerTimeoutMs);
      const answered = once(child, "message", { signal: AbortSignal.any([late, gone.signal]) });
      child.send("statistics", () => {});
      const [statistics] = await answered.catch((cause: unknown) => {
        gone.signal.throwIfAborted();
        throw new Error("the server does not tell its statistics", { cause });
      });
      return statistics;
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const answerTimeoutMs = 10_000;
