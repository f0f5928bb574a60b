import { createServer } from "quorate";
import { benchmarkHandlers } from "./benchmark-handlers.js";
import { Benchmark } from "./gen/bench/v1/benchmark_quorate.js";

/** What a server tells the process that started it, if that left an IPC channel to it. */
export interface ListeningMessage {
  readonly address: string;
}

/** Runs a benchmark server until SIGINT, SIGTERM, or the end of the process that started it. */
export async function serveBenchmark(address: string, recvBuffer: number): Promise<void> {
  await using server = await createServer({
    address,
    routes: (router) => router.service(Benchmark, benchmarkHandlers()),
    ...(recvBuffer === 0 ? {} : { maxQueuedRequests: recvBuffer }),
  });
  console.error(`benchmark server listens on ${server.address}`);
  const message: ListeningMessage = { address: server.address };
  // The process that started it may be gone; then there is nobody left to tell that.
  process.send?.(message, undefined, undefined, () => {});
  await untilTold();
  if (process.connected) process.disconnect();
}

/** Resolves with the first of them; a second signal has its usual effect and ends the process at once. */
function untilTold(): Promise<void> {
  const events = ["SIGINT", "SIGTERM", "disconnect"] as const;
  return new Promise((resolve) => {
    const told = () => {
      for (const event of events) process.removeListener(event, told);
      resolve();
    };
    for (const event of events) process.once(event, told);
    // Who has a channel and is not connected has lost the other end before it came here.
    if (process.send !== undefined && !process.connected) told();
  });
}
