import type { Message } from "@bufbuild/protobuf";
import { Code } from "../../../internal/errors/code.js";
import { abortError, QuorateError } from "../../../internal/errors/quorate-error.js";
import { outsideScopes } from "../../../internal/util/async-scope.js";
import { type CancelDeadline, deadlineAfter, scheduleDeadline } from "../../../internal/util/deadlines.js";
import { onAbort } from "../../../internal/util/on-abort.js";
import { checkTimeout } from "../../calls/call-options.js";
import { callRpcAt, type TargetedCall } from "../../calls/call-target.js";
import type { PeerNode } from "../../configuration/peer-node.js";
import type { ServerChoice } from "./server-choice.js";
import type {
  CloseSessionOptions,
  RecoveredRequest,
  Session,
  SessionEvent,
  SessionSnapshot,
} from "./session.js";
import { SessionDriver, type SessionDriverInit, type SessionObserver } from "./session-driver.js";
import type { SessionState } from "./session-state.js";

/** What a session is made of. */
export interface ClientSessionInit extends Omit<SessionDriverInit, "observer"> {
  readonly client: string;
  /** Whose settings count before a server has the session. */
  readonly node: PeerNode;
}

/** A session that may not be open yet. */
export interface OpeningSession extends Session {
  /** Resolves once it is open; if it does not open in time, it ends. Rejects with the error with which it ended. */
  whenOpen(options: OpeningOptions): Promise<void>;
}

/** Begins to register a session. */
export function createClientSession(init: ClientSessionInit): OpeningSession {
  return new ClientSession(init);
}

/** The one kind of session there is: its opening and its closing; the rest is its driver's. */
class ClientSession implements OpeningSession {
  readonly recovered: readonly RecoveredRequest[];
  readonly #state: SessionState;
  readonly #servers: ServerChoice;
  readonly #driver: SessionDriver;
  #opened: (error?: QuorateError) => void = () => {};
  #closed: (error?: QuorateError) => void = () => {};
  #lastFailure: QuorateError | undefined;
  #closing: Promise<void> | undefined;
  #isAborted = false;
  #isLeaving = false;
  #overdue: QuorateError | undefined;

  constructor({ client, node, ...init }: ClientSessionInit) {
    this.recovered = init.recovered;
    this.#state = init.state;
    this.#servers = init.servers;
    const observer: SessionObserver = {
      opened: () => this.#opened(),
      tryFailed: (error) => {
        this.#lastFailure = error;
      },
      settled: () => this.#leaveIfDone(),
      ended: (error) => this.#ended(error),
    };
    this.#driver = new SessionDriver(client, node, { ...init, observer });
  }

  get events(): AsyncIterable<SessionEvent> {
    return this.#driver.events;
  }

  whenOpen({ timeoutMs, signal }: OpeningOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      const stops: CancelDeadline[] = [];
      this.#opened = (error) => {
        for (const stop of stops) stop();
        if (error === undefined) resolve();
        else reject(error);
      };
      if (signal?.aborted) this.#driver.end(abortError(signal.reason));
      else {
        stops.push(
          scheduleDeadline(deadlineAfter(timeoutMs), () =>
            this.#driver.end(notInTime("open", timeoutMs, this.#whyNot)),
          ),
        );
        if (signal !== undefined) {
          stops.push(onAbort(signal, (reason) => this.#driver.end(abortError(reason))));
        }
      }
    });
  }

  export(): Uint8Array {
    return this.#state.export();
  }

  snapshot(): SessionSnapshot {
    return { session: this.#state.session, ...this.#driver.counts };
  }

  [callRpcAt](call: TargetedCall): Promise<Message> {
    return this.#driver.call(call);
  }

  close({ abort = false, timeoutMs = 30_000 }: CloseSessionOptions = {}): Promise<void> {
    if (abort) this.#isAborted = true;
    this.#closing ??= this.#close(timeoutMs);
    this.#leaveIfDone();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(timeoutMs: number): Promise<void> {
    const deadline = deadlineAfter(checkTimeout(timeoutMs));
    if (this.#state.phase === "closed") return;
    this.#lastFailure = undefined;
    this.#driver.refuseCalls();
    await new Promise<void>((resolve, reject) => {
      const cancel = scheduleDeadline(deadline, () => {
        this.#overdue = notInTime("closed", timeoutMs, this.#whyNot);
        this.#driver.end(this.#overdue);
      });
      this.#closed = (error) => {
        cancel();
        if (error === undefined) resolve();
        else reject(error);
      };
    });
  }

  /** What stands behind a time-out: how the last try failed, or why no server can be reached. */
  get #whyNot(): QuorateError | undefined {
    const unreachable = this.#servers.nodes.find(({ lastError }) => lastError !== undefined);
    return this.#lastFailure ?? unreachable?.lastError;
  }

  #leaveIfDone(): void {
    if (this.#closing === undefined || this.#isLeaving) return;
    if (this.#isAborted || this.#driver.isIdle)
      this.#isLeaving = outsideScopes(() => this.#driver.unregister());
  }

  #ended(error: QuorateError | undefined): void {
    this.#opened(error);
    // One that ended by itself is as closed as it can be.
    this.#closed(this.#overdue ?? (this.#isLeaving ? error : undefined));
  }
}

/** How long an opening may take. */
export interface OpeningOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

function notInTime(done: string, timeoutMs: number, cause: QuorateError | undefined): QuorateError {
  const message = `quorate: the session was not ${done} within ${timeoutMs} ms`;
  return new QuorateError(Code.DeadlineExceeded, message, { cause });
}
