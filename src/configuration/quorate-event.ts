import type { QuorateError } from "../../internal/errors/quorate-error.js";
import type { StreamLimit } from "../../internal/stream/peer-stream.js";
import { outsideScopes } from "../../internal/util/async-scope.js";

/** Which way a stream was opened: by us, or by the peer. */
export type Direction = "outbound" | "inbound";

/** What happens beside the calls, for logs and metrics. Nothing of it is printed. */
export type QuorateEvent =
  | {
      readonly kind: "streamOpened";
      readonly direction: Direction;
      /** Undefined for a peer that offered no way back. */
      readonly nodeId: number | undefined;
      readonly address: string;
    }
  | {
      readonly kind: "streamEnded";
      readonly direction: Direction;
      readonly nodeId: number | undefined;
      readonly address: string;
      /** Why; undefined if this side or the peer closed it in order. */
      readonly error: QuorateError | undefined;
      /** Requests of the peer that were read and never ran. */
      readonly droppedRequests: number;
    }
  | {
      readonly kind: "connectFailed";
      readonly nodeId: number;
      readonly address: string;
      readonly error: QuorateError;
      /** Milliseconds until the next attempt. */
      readonly retryMs: number;
    }
  | { readonly kind: "streamRefused"; readonly address: string; readonly error: QuorateError }
  /** A known peer opened a newer stream; `ended` says whether the older one was ended or is served on. */
  | {
      readonly kind: "streamReplaced";
      readonly nodeId: number;
      readonly address: string;
      readonly ended: boolean;
    }
  /** A reply came for a call that was over. */
  | { readonly kind: "lateReply"; readonly nodeId: number | undefined; readonly method: string }
  | { readonly kind: "limitReached"; readonly limit: Limit; readonly nodeId: number | undefined }
  /** A handler threw; the caller of a one-way method gets no word of it. */
  | { readonly kind: "handlerFailed"; readonly method: string; readonly error: QuorateError }
  /** One of the callbacks among the options threw. */
  | { readonly kind: "callbackFailed"; readonly callback: string; readonly error: unknown };

/** The bounds whose reaching is told. */
export type Limit = StreamLimit | "dynamicClients" | "refusedStreams" | "unidentifiedStreams" | "replyQueue";

/** How often each kind of event has happened, and how often each bound was reached. */
export type EventCounters = { readonly [Kind in QuorateEvent["kind"]]: number } & {
  readonly limits: { readonly [Name in Limit]: number };
};

/** Counts events and hands them to the listener of the options. */
export class EventHub {
  readonly #listener: ((event: QuorateEvent) => void) | undefined;
  readonly #counters: Record<QuorateEvent["kind"], number> = {
    streamOpened: 0,
    streamEnded: 0,
    connectFailed: 0,
    streamRefused: 0,
    streamReplaced: 0,
    lateReply: 0,
    limitReached: 0,
    handlerFailed: 0,
    callbackFailed: 0,
  };
  readonly #limits: Record<Limit, number> = {
    sendQueue: 0,
    requestQueue: 0,
    messageSize: 0,
    dynamicClients: 0,
    refusedStreams: 0,
    unidentifiedStreams: 0,
    replyQueue: 0,
  };

  constructor(listener: ((event: QuorateEvent) => void) | undefined) {
    this.#listener = listener;
  }

  get counters(): EventCounters {
    return { ...this.#counters, limits: { ...this.#limits } };
  }

  emit(event: QuorateEvent): void {
    this.#counters[event.kind] += 1;
    if (event.kind === "limitReached") this.#limits[event.limit] += 1;
    try {
      // It hears of the calls of all, some of them while they are made.
      if (this.#listener !== undefined) outsideScopes(this.#listener, event);
    } catch (error) {
      // The listener cannot be told of its own failure.
      this.#counters.callbackFailed += 1;
      process.emitWarning(`quorate: onEvent threw: ${String(error)}`);
    }
  }

  /** Runs a callback of the options; what it throws becomes an event. */
  guard(callback: string, run: () => void): void {
    try {
      run();
    } catch (error) {
      this.emit({ kind: "callbackFailed", callback, error });
    }
  }
}
