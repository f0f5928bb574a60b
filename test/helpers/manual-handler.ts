import type { IncomingRequest, RequestHandler } from "../../internal/stream/request-handler.js";
import { textOf } from "./fake-stream.js";

/** A request whose handler runs until the test ends it. */
export interface RunningRequest {
  readonly request: IncomingRequest;
  /** The handler returns. */
  readonly returns: () => void;
  /** The handler rejects. */
  readonly throws: (error: unknown) => void;
}

/** A handler whose requests the test ends by hand. */
export class ManualHandler {
  /** In the order in which they were started. */
  readonly running: RunningRequest[] = [];

  readonly handle: RequestHandler = (request) =>
    new Promise((resolve, reject) => {
      this.running.push({ request, returns: resolve, throws: reject });
    });

  /** The request that was started as the n-th, from 0. */
  at(index: number): RunningRequest {
    const running = this.running[index];
    if (running === undefined) throw new Error(`only ${this.running.length} requests were started`);
    return running;
  }

  /** The payloads of the requests that were started, in order. */
  get started(): string[] {
    return this.running.map(({ request }) => textOf(request));
  }
}
