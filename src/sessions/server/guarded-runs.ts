import type { Message } from "@bufbuild/protobuf";
import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import { deadlineAfter, scheduleDeadline } from "../../../internal/util/deadlines.js";
import type { HandlerContext } from "../../server/handler-context.js";
import { errorReply, limitedReply, type Reply } from "../reply.js";
import { refusal } from "../session-errors.js";
import type { IntentOpenedEffect } from "../table/effect.js";
import type { OpenIntent } from "../table/open-intents.js";
import { type AnswerWait, type AnswerWaits, settle } from "./answer-wait.js";
import { handlerError, handlerErrorReply } from "./handler-errors.js";
import type { GuardedContext } from "./session-handlers.js";
import type { SessionLog } from "./session-log.js";
import { encodeResult, type SessionMethod } from "./session-methods.js";
import type { SessionsEvent } from "./sessions-event.js";

/** What {@link GuardedRuns} is made of. */
export interface GuardedRunsInit {
  readonly log: SessionLog;
  readonly emit: (event: SessionsEvent) => void;
  /** Whether the texts of errors that are no QuorateError are kept from callers. */
  readonly maskErrors: boolean;
}

/** What a handler is started with. */
export interface GuardedRequest {
  readonly method: SessionMethod;
  readonly request: Message;
  readonly context: HandlerContext;
}

/** How long a close waits for handlers that were told to end, and for their results, in milliseconds. */
const closeMs = 1_000;
/** How long to wait before a result is proposed again, in milliseconds. */
const retryMs = 250;

/**
 * The guarded handlers that run here, and those who wait for intents. A handler is started once, by the server that
 * proposed its intent, when that has applied it.
 */
export class GuardedRuns {
  readonly #init: GuardedRunsInit;
  readonly #running = new Map<number, AbortController>();
  readonly #waits = new Map<number, AnswerWaits>();
  #whenIdle: (() => void) | undefined;
  #closing = false;
  #closed = false;

  constructor(init: GuardedRunsInit) {
    this.#init = init;
  }

  /** How many handlers run. */
  get running(): number {
    return this.#running.size;
  }

  /** Answers with the first Result or Verdict of the intent. It must be open. */
  wait(intentOp: number, wait: AnswerWait): void {
    if (this.#closing && !this.#running.has(intentOp)) {
      wait.end({ kind: "refused", error: refusal("RETRY") });
      return;
    }
    let waits = this.#waits.get(intentOp);
    if (waits === undefined) {
      waits = new Set();
      this.#waits.set(intentOp, waits);
    }
    wait.join(waits);
  }

  /** Runs the handler of an intent that this server proposed. */
  start({ op, user, intent }: IntentOpenedEffect, run: GuardedRequest, guardTimeoutMs: number): void {
    const controller = new AbortController();
    if (this.#closed) controller.abort(serverClosing());
    this.#running.set(op, controller);
    // The result has to be committed before a verdict is due.
    const handlerMs = Math.max(guardTimeoutMs - Math.min(1_000, guardTimeoutMs / 10), 1);
    const cancel = scheduleDeadline(deadlineAfter(handlerMs), () =>
      controller.abort(new QuorateError(Code.DeadlineExceeded, "quorate: guardTimeoutMs is nearly over")),
    );
    const { signal } = controller;
    const context = guardedContext(run.context, { op, user, client: intent.client, signal });
    void this.#run(op, run, context).finally(() => {
      cancel();
      this.#running.delete(op);
      if (this.#running.size === 0) this.#whenIdle?.();
    });
  }

  /** The intent has its reply. */
  closed(intent: OpenIntent, by: "result" | "verdict", op: number, reply: Reply): void {
    this.#settle(intent.op, { kind: "answer", op, reply });
    if (by === "verdict") this.#giveUp(intent.op);
  }

  /** The session of these intents ended, and they with it. */
  ended(intents: readonly OpenIntent[]): void {
    for (const { op } of intents) {
      this.#settle(op, { kind: "refused", error: refusal("OUTCOME_UNKNOWN") });
      this.#giveUp(op);
    }
  }

  /** Nobody can be answered by an intent any more: the state is of no use. */
  refuseWaits(error: QuorateError): void {
    for (const op of [...this.#waits.keys()]) this.#settle(op, { kind: "refused", error });
  }

  /** The state was replaced: what closed an intent before may not have been seen. */
  replaced(): void {
    this.refuseWaits(refusal("RETRY"));
    for (const op of this.#running.keys()) if (!this.#isOpen(op)) this.#giveUp(op);
  }

  /** The server begins to close: what others run may take long, and they can answer it. */
  closing(): void {
    this.#closing = true;
    for (const op of [...this.#waits.keys()]) {
      if (!this.#running.has(op)) this.#settle(op, { kind: "refused", error: refusal("RETRY") });
    }
  }

  /** Tells the handlers to end, and waits a moment for their results. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const controller of this.#running.values()) controller.abort(serverClosing());
    if (this.#running.size > 0) {
      await new Promise<void>((resolve) => {
        const cancel = scheduleDeadline(deadlineAfter(closeMs), resolve);
        this.#whenIdle = () => {
          cancel();
          resolve();
        };
      });
    }
    this.refuseWaits(refusal("RETRY"));
  }

  async #run(op: number, run: GuardedRequest, context: GuardedContext): Promise<void> {
    const { signal } = context;
    const result = signal.aborted
      ? errorReply(QuorateError.from(signal.reason))
      : await runGuarded(run, context, this.#init);
    // Here, too: a reply that no entry can hold could never be committed.
    const reply = limitedReply(result, this.#init.log.table.limits.maxReplyBytes);
    // As long as the intent is open its result counts: a log that is away for a moment must not lose it.
    while (this.#isOpen(op)) {
      const failure = await this.#propose(op, reply);
      if (failure === undefined) return;
      if (this.#closed || this.#init.log.stopped !== undefined) {
        this.#init.emit({ kind: "resultLost", method: run.method.name, error: failure });
        return;
      }
      await new Promise<void>((resolve) => {
        scheduleDeadline(deadlineAfter(retryMs), resolve);
      });
    }
  }

  #propose(intentOp: number, reply: Reply): Promise<QuorateError | undefined> {
    return new Promise((resolve) => {
      this.#init.log.propose(
        { kind: "result", intentOp, reply },
        { applied: () => resolve(undefined), failed: (error) => resolve(error) },
      );
    });
  }

  #isOpen(op: number): boolean {
    return this.#init.log.table.intent(op) !== undefined;
  }

  #settle(op: number, outcome: Parameters<typeof settle>[1]): void {
    const waits = this.#waits.get(op);
    if (waits === undefined) return;
    this.#waits.delete(op);
    settle(waits, outcome);
  }

  #giveUp(op: number): void {
    this.#running.get(op)?.abort(refusal("OUTCOME_UNKNOWN"));
  }
}

/** The context of a guarded handler. */
export function guardedContext(
  context: HandlerContext,
  fields: Pick<GuardedContext, "op" | "user" | "client" | "signal">,
): GuardedContext {
  const { metadata, caller, connection } = context;
  return {
    ...fields,
    metadata,
    caller,
    connection,
    get peers() {
      return context.peers;
    },
    get clients() {
      return context.clients;
    },
  };
}

/** Runs a guarded handler; what it throws is the reply. */
export async function runGuarded(
  { method, request }: GuardedRequest,
  context: GuardedContext,
  { emit, maskErrors }: Pick<GuardedRunsInit, "emit" | "maskErrors">,
): Promise<Reply> {
  try {
    return { kind: "payload", bytes: encodeResult(method, await method.handle(request, context)) };
  } catch (thrown) {
    const error = QuorateError.from(thrown);
    emit({ kind: "handlerFailed", method: method.name, error });
    return handlerErrorReply(handlerError(thrown, maskErrors));
  }
}

function serverClosing(): QuorateError {
  return new QuorateError(Code.Unavailable, "quorate: the server is closing", { reason: "SERVER_CLOSING" });
}
