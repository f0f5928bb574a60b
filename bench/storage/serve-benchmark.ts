import { createServer } from "quorate";
import { serveUntilTold } from "../shared/serve-until-told.js";
import { benchmarkHandlers } from "./benchmark-handlers.js";
import { Benchmark } from "./gen/bench/v1/benchmark_quorate.js";

/** Runs a benchmark server until SIGINT, SIGTERM, or the end of the process that started it. */
export async function serveBenchmark(address: string, recvBuffer: number): Promise<void> {
  await using server = await createServer({
    address,
    routes: (router) => router.service(Benchmark, benchmarkHandlers()),
    ...(recvBuffer === 0 ? {} : { maxQueuedRequests: recvBuffer }),
  });
  await serveUntilTold(server.address);
}
