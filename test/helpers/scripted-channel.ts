import { Code } from "../../internal/errors/code.js";
import { abortError, type QuorateError } from "../../internal/errors/quorate-error.js";
import type { BackoffOptions } from "../../internal/stream/backoff.js";
import type { BidiStream } from "../../internal/stream/bidi-stream.js";
import { OutboundChannel, type OutboundObserver } from "../../internal/stream/outbound-channel.js";
import type { StreamLimits } from "../../internal/stream/peer-stream.js";
import type { SendQueueLimits } from "../../internal/stream/send-queue.js";
import { eventually } from "./eventually.js";
import { FakeStream } from "./fake-stream.js";
import { ManualHandler } from "./manual-handler.js";
import { defaultLimits } from "./open-peer-stream.js";
import { turn } from "./turn.js";

/** One attempt to open a stream, in the hands of the test. */
interface Attempt {
  readonly signal: AbortSignal;
  readonly resolve: (stream: BidiStream) => void;
  readonly reject: (error: unknown) => void;
}

/** What a test may say about its channel. */
export interface ScriptedChannelInit {
  readonly backoff?: BackoffOptions;
  readonly limits?: Partial<StreamLimits & SendQueueLimits>;
  readonly connectTimeoutMs?: number;
  /** Confirm every write of every stream in the call that makes it. */
  readonly confirmAll?: boolean;
  readonly observer?: Partial<OutboundObserver>;
}

/** A channel whose attempts to connect the test decides, and what it told. */
export class ScriptedChannel {
  readonly channel: OutboundChannel;
  /** All attempts so far, in order. */
  readonly attempts: Attempt[] = [];
  readonly handler: ManualHandler = new ManualHandler();
  readonly ends: { readonly error: QuorateError | undefined; readonly dropped: number }[] = [];
  readonly failures: { readonly error: QuorateError; readonly retryMs: number }[] = [];
  readonly limitsReached: string[] = [];
  opened = 0;
  lateReplies = 0;
  readonly #confirmAll: boolean;

  /** Begins to connect. */
  constructor(init: ScriptedChannelInit = {}) {
    this.#confirmAll = init.confirmAll ?? true;
    this.channel = new OutboundChannel({
      peer: "node 7",
      dial: (signal) =>
        new Promise((resolve, reject) => {
          signal.addEventListener("abort", () => reject(abortError(signal.reason)));
          this.attempts.push({ signal, resolve, reject });
        }),
      limits: { ...defaultLimits, ...init.limits },
      // No jitter, so that a test knows the waits.
      backoff: init.backoff ?? { jitter: 0 },
      connectTimeoutMs: init.connectTimeoutMs ?? 10_000,
      observer: {
        opened: () => {
          this.opened += 1;
          init.observer?.opened?.();
          return this.handler.handle;
        },
        ended: (error, dropped) => {
          this.ends.push({ error, dropped });
          init.observer?.ended?.(error, dropped);
        },
        attemptFailed: (error, retryMs) => {
          this.failures.push({ error, retryMs });
          init.observer?.attemptFailed?.(error, retryMs);
        },
        lateReply: () => {
          this.lateReplies += 1;
        },
        idle: () => {},
        limitReached: (limit) => this.limitsReached.push(limit),
      },
    });
    this.channel.start();
  }

  /** The attempt that is under way. */
  get attempt(): Attempt {
    const attempt = this.attempts.at(-1);
    if (attempt === undefined) throw new Error("there was no attempt");
    return attempt;
  }

  /** The attempt that is under way succeeds. */
  async up(): Promise<FakeStream> {
    const stream = new FakeStream({ confirmAll: this.#confirmAll });
    const { opened } = this;
    this.attempt.resolve(stream);
    await eventually(() => this.opened > opened, "the stream is up");
    await turn();
    return stream;
  }

  /** The attempt that is under way fails. */
  async fails(error: unknown): Promise<void> {
    this.attempt.reject(error);
    await turn();
  }

  /** Closes the channel; the peer ends the stream at once. */
  async close(): Promise<void> {
    const { stream } = this.channel;
    const closed = this.channel.close();
    stream?.cancel({ code: Code.Ok, message: "" });
    await closed;
  }
}
