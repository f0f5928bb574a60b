import { Code } from "../../internal/errors/code.js";
import { readFeatures } from "../../internal/stream/features.js";
import { OutboundChannel } from "../../internal/stream/outbound-channel.js";
import type { PendingCall } from "../../internal/stream/pending-call.js";
import type { IncomingRequest, RequestHandler } from "../../internal/stream/request-handler.js";
import { StreamChannel } from "../../internal/stream/stream-channel.js";
import { createMemoryTransport, type MemoryTransport } from "../../internal/transport/memory-transport.js";
import type { Listener } from "../../internal/transport/transport.js";
import { ourHeaders, textOf } from "./fake-stream.js";
import { defaultLimits } from "./open-peer-stream.js";
import { TestCall } from "./test-call.js";
import { turn } from "./turn.js";

/** Random numbers from 0 to 1 that a seed repeats (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A peer that dials and one that listens, in one process, who call each other at random and serve at random. */
export class FuzzPair {
  readonly transport: MemoryTransport = createMemoryTransport();
  readonly address = "fuzz:1";
  readonly calls: TestCall[] = [];
  /** The numbers of the requests that were started, for each stream and direction, in order. */
  readonly started: number[][] = [];
  /** All streams that were accepted. */
  readonly accepted: StreamChannel[] = [];
  readonly #random: () => number;
  readonly #limits: typeof defaultLimits;
  #dialling: OutboundChannel | undefined;
  #listener: Listener | undefined;
  /** Handlers that wait end now. */
  #unblocked = false;

  /** `limits` replace the default ones on both sides. */
  constructor(random: () => number, limits: Partial<typeof defaultLimits>) {
    this.#random = random;
    this.#limits = { ...defaultLimits, ...limits };
  }

  get dialling(): OutboundChannel {
    if (this.#dialling === undefined) throw new Error("the pair was not opened");
    return this.#dialling;
  }

  /** The newest accepted stream. */
  get accepting(): StreamChannel | undefined {
    return this.accepted.at(-1);
  }

  /** A whole number below `end`. */
  below(end: number): number {
    return Math.floor(this.#random() * end);
  }

  async open(): Promise<void> {
    const options = { maxReceiveBytes: 1 << 24, keepaliveMs: 20_000 };
    const listener = await this.transport.listen(this.address, {
      ...options,
      keepaliveTimeoutMs: 10_000,
      headers: ourHeaders,
    });
    this.#listener = listener;
    listener.accept(({ stream }) => this.#accept(stream));
    this.#dialling = new OutboundChannel({
      peer: "the listener",
      dial: (signal) => this.transport.dial(this.address, ourHeaders, options, signal),
      limits: this.#limits,
      backoff: { minMs: 1, maxMs: 8 },
      connectTimeoutMs: 1_000,
      observer: {
        opened: () => this.#handler(),
        ended: () => {},
        attemptFailed: () => {},
        lateReply: () => {},
        idle: () => {},
        limitReached: () => {},
      },
    });
    this.#dialling.start();
  }

  /** Makes a call, on either side, of any kind. */
  call(): void {
    const channel = this.below(3) > 0 ? this.dialling : this.accepting;
    if (channel === undefined) return;
    const replies = (["none", "one", "one", "many"] as const)[this.below(4)] ?? "one";
    const call = new TestCall({
      replies,
      payload: `${replies} ${"x".repeat(this.below(200))}`,
      resend: this.below(2) === 0,
      waitForReady: this.below(4) === 0,
      ...(this.below(3) === 0 ? { timeoutMs: this.below(12) } : {}),
    });
    this.calls.push(call);
    call.on(channel);
  }

  /** A call that was made before, if any. */
  some(): PendingCall | undefined {
    return this.calls[this.below(this.calls.length)]?.call;
  }

  /** From now on every handler ends soon. */
  unblock(): void {
    this.#unblocked = true;
  }

  /** Closes both, in order: the dialling side first. */
  async close(): Promise<void> {
    await this.dialling.close();
    await this.#listener?.stop();
  }

  #accept(stream: ConstructorParameters<typeof StreamChannel>[0]["stream"]): void {
    let halfClosed = false;
    // As a server does: what was read before a half-close is run, then the stream ends.
    const check = () => {
      if (halfClosed && channel.stream.idle) channel.close({ code: Code.Ok, message: "" });
    };
    const channel: StreamChannel = new StreamChannel({
      stream,
      side: "accepting",
      callable: true,
      features: readFeatures(ourHeaders),
      handler: this.#handler(),
      peer: "the dialler",
      limits: this.#limits,
      observer: {
        lateReply: () => {},
        malformed: () => {},
        limitReached: () => {},
        halfClosed: () => {
          halfClosed = true;
          check();
        },
        idle: check,
        ended: () => {},
      },
    });
    this.accepted.push(channel);
  }

  /** Serves one stream. */
  #handler(): RequestHandler {
    const started: number[] = [];
    this.started.push(started);
    return async (request) => {
      started.push(numberOf(request));
      const [kind] = textOf(request).split(" ");
      const how = this.below(6);
      if (how === 0) throw new Error("at random");
      if (how === 1) request.release();
      const turns = how < 3 ? this.below(6) : 0;
      for (let at = 0; at < turns; at++) await turn();
      if (how === 5 && this.below(8) === 0) await this.#wait(request);
      const replies = kind === "none" ? 0 : kind === "one" ? 1 : this.below(4);
      for (let at = 0; at < replies; at++) request.reply(Buffer.from("answer"));
      if (kind === "many") request.endReplies();
    };
  }

  /** Until the caller is gone, or all is to end. */
  async #wait({ signal }: IncomingRequest): Promise<void> {
    while (!signal.aborted && !this.#unblocked) await turn();
  }
}

/** The request of a stream knows its number, which handlers do not need. */
function numberOf(request: IncomingRequest): number {
  return (request as IncomingRequest & { readonly number: number }).number;
}
