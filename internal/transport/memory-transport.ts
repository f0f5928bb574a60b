import { Code } from "../errors/code.js";
import { abortError, QuorateError } from "../errors/quorate-error.js";
import type { BidiStream } from "../stream/bidi-stream.js";
import { createLoopback, type Loopback } from "../stream/loopback.js";
import type { Metadata } from "../wire/metadata.js";
import type { AcceptedStream, Listener, ListenOptions, Transport } from "./transport.js";

/** A transport within one process, with faults at will. */
export interface MemoryTransport extends Transport {
  /** Ends all streams to and from the listener at this address, as a broken connection does. */
  breakStreams(address: string): void;
  /** While down, attempts to connect to the address fail, and its streams are broken. */
  setDown(address: string, down: boolean): void;
}

/** Makes a network of its own: what listens on it is reached through it alone. Port 0 asks for a free one. */
export function createMemoryTransport(): MemoryTransport {
  const listeners = new Map<string, MemoryListener>();
  const down = new Set<string>();
  let lastPort = 0;
  const freeAddress = (host: string): string => {
    const address = `${host}:${++lastPort}`;
    return listeners.has(address) ? freeAddress(host) : address;
  };
  const breakStreams = (address: string) => listeners.get(address)?.breakStreams();
  return {
    dial: async (address, headers, _options, signal): Promise<BidiStream> => {
      // A connection takes a turn, as a real one does.
      await new Promise((resolve) => setImmediate(resolve));
      if (signal.aborted) throw abortError(signal.reason);
      const listener = listeners.get(address);
      if (listener === undefined || down.has(address)) {
        throw new QuorateError(Code.Unavailable, `connection refused by ${address}`);
      }
      return listener.connect(headers);
    },
    listen: async (address, options): Promise<Listener> => {
      const bound = address.endsWith(":0") ? freeAddress(address.slice(0, -2)) : address;
      if (listeners.has(bound)) {
        const message = `quorate: cannot listen on ${bound}: the address is in use`;
        throw new QuorateError(Code.Unavailable, message, { reason: "LISTEN_FAILED" });
      }
      const listener: MemoryListener = new MemoryListener(bound, options, () => {
        // One that ends late must not take away what listens there now.
        if (listeners.get(bound) === listener) listeners.delete(bound);
      });
      listeners.set(bound, listener);
      return listener;
    },
    breakStreams,
    setDown: (address, isDown) => {
      if (!isDown) {
        down.delete(address);
        return;
      }
      down.add(address);
      breakStreams(address);
    },
  };
}

class MemoryListener implements Listener {
  readonly address: string;
  readonly #options: ListenOptions;
  readonly #unlisten: () => void;
  readonly #open = new Set<Loopback>();
  #accept: ((stream: AcceptedStream) => void) | undefined;
  #held: AcceptedStream[] = [];
  #stopped: (() => void) | undefined;
  #connections = 0;

  constructor(address: string, options: ListenOptions, unlisten: () => void) {
    this.address = address;
    this.#options = options;
    this.#unlisten = unlisten;
  }

  connect(headers: Metadata): BidiStream {
    const gone = new AbortController();
    const closed = () => {
      this.#open.delete(ends);
      if (this.#open.size === 0) this.#stopped?.();
    };
    const ends: Loopback = createLoopback(this.#options.headers, closed, () => gone.abort());
    this.#open.add(ends);
    const remoteAddress = `memory:${++this.#connections}`;
    const accepted = { stream: ends.accepting, headers, remoteAddress, gone: gone.signal };
    if (this.#accept === undefined) this.#held.push(accepted);
    else this.#accept(accepted);
    return ends.dialling;
  }

  accept(accepted: (stream: AcceptedStream) => void): void {
    this.#accept = accepted;
    for (const stream of this.#held) accepted(stream);
    this.#held = [];
  }

  stop(): Promise<void> {
    this.#unlisten();
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#stopped = resolve;
    });
  }

  destroy(): void {
    this.#unlisten();
    this.breakStreams();
  }

  breakStreams(): void {
    for (const ends of this.#open) ends.breakOff();
  }
}
