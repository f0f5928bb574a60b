import type { ServerInterceptorName } from "../interceptors/parse-interceptors.js";
import { untilAborted } from "../process/listen-for-end.js";
import { startServerProcess } from "./server-process.js";

/** How {@link runCluster} runs its servers. */
export interface ClusterOptions {
  /** The program that is one server when it is given `--serve`. */
  readonly program: string;
  readonly addresses: readonly string[];
  readonly interceptors: readonly ServerInterceptorName[];
  /** How long each server waits for all others to connect. */
  readonly waitMs: number;
  readonly print: (line: string) => void;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/**
 * Runs a server process for each address until the signal, then ends them in order. Throws if one of them ends before
 * that, once the others are ended, or if one does not end well.
 */
export async function runCluster(options: ClusterOptions): Promise<void> {
  const { addresses, print, signal } = options;
  const servers = addresses.map((address) => startServerProcess(options.program, flagsOf(address, options)));
  const told = untilAborted(signal);
  const gone = Promise.race(servers.map((server) => server.gone));
  try {
    await Promise.race([Promise.all(servers.map((server) => server.started)), told, gone]);
    if (!signal.aborted && servers.every((server) => server.end === undefined)) {
      print(`Cluster running on ${addresses.join(", ")}.`);
      print(`Connect a client with: npm run repl -- --addrs ${addresses.join(",")}`);
      print("Press Ctrl-C to stop all servers.");
      await Promise.race([told, gone]);
    }
    print("Stopping servers...");
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
  const ends = servers.map(({ end }, at) => ({ address: addresses[at], end }));
  const odd = ends.find(({ end }) => end !== "exit code 0");
  if (odd !== undefined) throw new Error(`server ${odd.address} ended: ${odd.end}`);
}

function flagsOf(address: string, { addresses, interceptors, waitMs }: ClusterOptions): string[] {
  return [
    "--serve",
    ...["--address", address],
    ...["--addrs", addresses.join(",")],
    ...["--interceptors", interceptors.join(",")],
    ...["--wait-ms", String(waitMs)],
  ];
}
