import { Code } from "../../../internal/errors/code.js";
import { abortError, QuorateError } from "../../../internal/errors/quorate-error.js";
import { createMemoryTransport } from "../../../internal/transport/memory-transport.js";
import type { Transport } from "../../../internal/transport/transport.js";
import { FaultStream } from "./fault-stream.js";
import { type Faults, pause } from "./faults.js";

/** A network within the process that loses, repeats, delays and breaks. */
export interface FaultNetwork {
  /** The way of another process to the network. */
  plug(): NetworkPlug;
  /** Breaks one of the streams that are open, if there is one. */
  cutSome(): void;
  /** Takes a server off the network at once: it hears and says nothing any more, and cannot be dialled. */
  crash(address: string): void;
  /** Lets the address be dialled again. */
  restart(address: string): void;
}

/** What one process uses of the network. */
export interface NetworkPlug extends Transport {
  /** Takes the process off the network at once, as its crash does; what it has sent may still arrive. */
  pull(): void;
}

/** Makes a network of its own. */
export function createFaultNetwork(faults: Faults): FaultNetwork {
  const inner = createMemoryTransport();
  const open = new Set<FaultStream>();
  const cut = (stream: FaultStream) => stream.cut(faults.integer(0, 1) * faults.between(1, 2_000));
  return {
    plug: () => new Plug(inner, faults, open, cut),
    cutSome: () => {
      const [first, ...others] = open;
      if (first === undefined) return;
      const stream = faults.pick([first, ...others]);
      const kinds = ["stream cut", "stream cut, the server does not know yet"] as const;
      const kind = faults.pick(kinds);
      faults.count(kind);
      stream.cut(kind === "stream cut" ? 0 : faults.between(1, 2_000));
    },
    crash: (address) => inner.setDown(address, true),
    restart: (address) => inner.setDown(address, false),
  };
}

class Plug implements NetworkPlug {
  readonly listen: Transport["listen"];
  readonly #inner: Transport;
  readonly #faults: Faults;
  readonly #all: Set<FaultStream>;
  readonly #cut: (stream: FaultStream) => void;
  readonly #open = new Set<FaultStream>();
  #isPulled = false;

  constructor(inner: Transport, faults: Faults, all: Set<FaultStream>, cut: (stream: FaultStream) => void) {
    this.#inner = inner;
    this.#faults = faults;
    this.#all = all;
    this.#cut = cut;
    this.listen = (address, options) => inner.listen(address, options);
  }

  readonly dial: Transport["dial"] = async (address, headers, options, signal) => {
    await pause(this.#faults.between(0, 3), signal);
    if (signal.aborted) throw abortError(signal.reason);
    if (this.#isPulled || this.#faults.happens("dial failed", 0.1)) {
      throw new QuorateError(Code.Unavailable, `no connection to ${address}`);
    }
    const dialled = await this.#inner.dial(address, headers, options, signal);
    const stream = new FaultStream(dialled, this.#faults, (ended) => {
      this.#open.delete(ended);
      this.#all.delete(ended);
    });
    this.#open.add(stream);
    this.#all.add(stream);
    if (this.#isPulled) this.#cut(stream);
    return stream;
  };

  pull(): void {
    this.#isPulled = true;
    for (const stream of [...this.#open]) this.#cut(stream);
  }
}
