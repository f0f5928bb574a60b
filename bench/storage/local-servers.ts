import { fileURLToPath } from "node:url";
import { startServerProcess } from "../shared/server-process.js";

/** Benchmark servers on this machine. */
export interface LocalServers extends AsyncDisposable {
  readonly addresses: readonly string[];
}

/**
 * Starts servers on 127.0.0.1, each in a process of its own, so that none of them shares an event loop with the
 * client, and on a port that the system chooses. All of them or none; they end with this process.
 *
 * @param recvBuffer requests that may wait at each; 0 for the library's default
 */
export async function startLocalServers(count: number, recvBuffer: number): Promise<LocalServers> {
  const program = fileURLToPath(new URL("main.js", import.meta.url));
  const args = ["--server", "127.0.0.1:0", "--recv-buffer", `${recvBuffer}`];
  const starts = await Promise.allSettled(
    Array.from({ length: count }, () => startServerProcess(program, args)),
  );
  const servers = starts.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
  const stop = async () => {
    await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
  };
  for (const start of starts) {
    if (start.status === "fulfilled") continue;
    await stop();
    throw start.reason;
  }
  return { addresses: servers.map(({ address }) => address), [Symbol.asyncDispose]: stop };
}
