import { fileURLToPath } from "node:url";
import { textOf } from "../shared/naming.js";
import { startServerProcess } from "../shared/server-process.js";
import type { NotedTimes } from "./event-times.js";

/** What a server can be asked for, and what it answers. */
export interface ServerAnswers {
  /** What it says of itself. */
  readonly statistics: ServerStatistics;
  /** What it has noted since it was asked last. */
  readonly times: NotedTimes;
  /** To put a value of so many bytes into etcd: the revision. */
  readonly put: number;
}

/** What a server says of itself. */
export interface ServerStatistics {
  /** Microseconds of processor time that its process has taken so far. */
  readonly cpuMicros: number;
  /** Writes that were applied, and the transactions of etcd that those came in. */
  readonly writes: number;
  readonly batches: number;
}

/** How a server is started. */
export interface ValueServerInit {
  /** The member of etcd that it uses. */
  readonly endpoint: string;
  /** Whether it notes when it appends and applies, and when it sees puts of others. */
  readonly notesTimes: boolean;
  /** After so many milliseconds it ends, whatever becomes of the benchmark. */
  readonly lifeMs: number;
}

/** A question, as it is sent to the process of a server. */
export interface ServerQuestion {
  readonly number: number;
  readonly name: keyof ServerAnswers;
  readonly bytes: number;
}

/** The answer to the question with this number, or why there is none. */
export interface ServerAnswer {
  readonly number: number;
  readonly answer?: unknown;
  readonly failure?: string;
}

/** A server of the benchmark, in a process of its own, which ends with this one. */
export interface ValueServer extends AsyncDisposable {
  readonly address: string;
  /** Ends when its process has ended; the reason says how. */
  readonly gone: AbortSignal;
  /** Asks it for something. */
  ask<Name extends keyof ServerAnswers>(name: Name, bytes?: number): Promise<ServerAnswers[Name]>;
}

/** Starts a server on 127.0.0.1, on a port that the system chooses. The signal ends it at once. */
export async function startValueServer(init: ValueServerInit, signal: AbortSignal): Promise<ValueServer> {
  const program = fileURLToPath(new URL("serve-value.js", import.meta.url));
  const server = await startServerProcess(program, [JSON.stringify(init)], signal);
  const { address, child } = server;
  const gone = new AbortController();
  const pending = new Map<number, { resolve: (answer: unknown) => void; reject: (error: Error) => void }>();
  child.on("message", ({ number, answer, failure }: ServerAnswer) => {
    const one = pending.get(number);
    pending.delete(number);
    if (failure === undefined) one?.resolve(answer);
    else one?.reject(new Error(`the server has failed: ${failure}`));
  });
  child.once("exit", (code, killedBy) => {
    const error = new Error(`the server has ended with ${killedBy ?? `exit code ${code}`}`);
    gone.abort(error);
    for (const { reject } of pending.values()) reject(error);
    pending.clear();
  });
  let last = 0;
  const ask: ValueServer["ask"] = (name, bytes = 0) =>
    new Promise((resolve, reject) => {
      if (gone.signal.aborted) return reject(new Error(textOf(gone.signal.reason)));
      const number = ++last;
      pending.set(number, { resolve: resolve as (answer: unknown) => void, reject });
      child.send({ number, name, bytes } satisfies ServerQuestion, () => {});
    });
  return { address, gone: gone.signal, ask, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}
