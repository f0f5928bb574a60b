import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import { type CallHolder, type CallInit, PendingCall } from "../../internal/stream/pending-call.js";
import { deadlineAfter, scheduleDeadline } from "../../internal/util/deadlines.js";
import { encodeBody } from "../../internal/wire/encode-envelope.js";
import type { Envelope } from "../../internal/wire/envelope.js";
import { nextCallNumber } from "../../internal/wire/message-id.js";
import { textOf } from "./fake-stream.js";

/** How a {@link TestCall} is made; all is optional. */
export interface TestCallInit extends Partial<Omit<CallInit, "body" | "deadline">> {
  readonly payload?: string;
  /** Ends the call, as its maker would. */
  readonly timeoutMs?: number;
  /** Called in the call that fails it. */
  readonly onFailed?: () => void;
  /** Called in the call that brings a reply. */
  readonly onReply?: (call: TestCall) => void;
}

/** A call that keeps what it was told. */
export class TestCall {
  readonly call: PendingCall;
  readonly replies: Envelope[] = [];
  readonly errors: QuorateError[] = [];
  /** How often it was told that the transport has taken the request. */
  written = 0;
  /** How often it was told that no more replies come. */
  completed = 0;
  /** How often it was let go of; one is right. */
  released = 0;
  /** Resolves when it is let go of. */
  readonly over: Promise<void>;

  constructor(init: TestCallInit = {}) {
    const { number = nextCallNumber(), method = "test.Test.Method", replies = "one", payload = "" } = init;
    let settle: () => void = () => {};
    this.over = new Promise((resolve) => {
      settle = resolve;
    });
    const deadline = deadlineAfter(init.timeoutMs ?? Number.POSITIVE_INFINITY);
    const cancelDeadline = scheduleDeadline(deadline, () => {
      this.call.expire(new QuorateError(Code.DeadlineExceeded, "the test's deadline passed"));
    });
    this.call = new PendingCall(
      {
        number,
        method,
        replies,
        deadline,
        body: encodeBody({ method, payload: new TextEncoder().encode(payload) }),
        waitForReady: init.waitForReady ?? false,
        resend: init.resend ?? false,
        onStream: init.onStream,
      },
      {
        replied: (envelope) => {
          this.replies.push(envelope);
          init.onReply?.(this);
        },
        completed: () => {
          this.completed += 1;
        },
        written: () => {
          this.written += 1;
        },
        failed: (error) => {
          this.errors.push(error);
          init.onFailed?.();
        },
        released: () => {
          this.released += 1;
          cancelDeadline();
          settle();
        },
      },
    );
  }

  get number(): number {
    return this.call.number;
  }

  /** The error that ended the call. */
  get error(): QuorateError | undefined {
    return this.errors[0];
  }

  /** The text of the first reply. */
  get text(): string | undefined {
    return this.replies[0] && textOf(this.replies[0]);
  }

  /** Gives the call to a channel. */
  on(holder: CallHolder): this {
    this.call.sendOn(holder);
    return this;
  }

  /** As a signal does. */
  abort(): void {
    this.call.abort(new QuorateError(Code.Canceled, "the test canceled the call"), true);
  }
}

/** Makes a call and gives it to a channel. */
export function send(holder: CallHolder, init?: TestCallInit): TestCall {
  return new TestCall(init).on(holder);
}
