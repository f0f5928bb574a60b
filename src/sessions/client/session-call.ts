import type { Message } from "@bufbuild/protobuf";
import { Code } from "../../../internal/errors/code.js";
import { abortError, invalidArgument, QuorateError } from "../../../internal/errors/quorate-error.js";
import { type CancelDeadline, deadlineAfter, scheduleDeadline } from "../../../internal/util/deadlines.js";
import type { Metadata } from "../../../internal/wire/metadata.js";
import { checkTimeout, onCallAborted } from "../../calls/call-options.js";
import type { TargetedCall } from "../../calls/call-target.js";
import { type OutgoingCall, outgoingCall, type PeerResponse } from "../../calls/outgoing-call.js";
import type { RawReply } from "../../calls/raw-call.js";
import { drop, skip } from "../../configuration/client-interceptor.js";
import type { PeerNode } from "../../configuration/peer-node.js";
import { readStampKey, stampKey } from "../stamp.js";
import type { AwaitedRequest } from "./awaited-request.js";

/** What the maker of a {@link SessionCall} is told. */
export interface SessionCallListener {
  readonly resolve: (reply: Message) => void;
  readonly reject: (error: QuorateError) => void;
  /** The caller waits no longer: its deadline passed, or its signal ended. */
  readonly left: (call: SessionCall) => void;
}

/** One call of an `rpc` method: encoded once, seen by its interceptors once, however often and wherever it is sent. */
export class SessionCall implements AwaitedRequest {
  readonly method: string;
  readonly payload: Uint8Array;
  readonly metadata: Metadata;
  readonly readOnly: boolean;
  readonly timeoutMs: number;
  readonly #call: TargetedCall;
  /** Whose interceptors and settings count; once there is an answer, whose answer it is. */
  readonly #node: PeerNode;
  readonly #outgoing: OutgoingCall;
  readonly #listener: SessionCallListener;
  #cancelDeadline: CancelDeadline | undefined;
  #unlisten: (() => void) | undefined;
  #over = false;
  /** Why the last try failed: what is behind a deadline that passes. */
  lastFailure: QuorateError | undefined;

  /** @throws QuorateError InvalidArgument; FailedPrecondition, `SKIPPED`; what an interceptor throws. */
  constructor(call: TargetedCall, node: PeerNode, listener: SessionCallListener) {
    const { method, request, options, interceptors } = call;
    if (options.resend === false) {
      throw invalidArgument("resend cannot be false here: what is unanswered is always sent again");
    }
    this.#call = call;
    this.#node = node;
    this.#listener = listener;
    this.timeoutMs = checkTimeout(options.timeoutMs ?? node.settings.defaultTimeoutMs);
    this.#outgoing = outgoingCall({ method, nodes: [node], interceptors }, request, options);
    const payload = this.#outgoing.payloadFor(node);
    if (payload === skip) throw skipped(method.name, node);
    const { metadata } = this.#outgoing;
    if (metadata.size > 0 && (metadata.has(stampKey) || metadata.has(readStampKey))) {
      throw invalidArgument(`the metadata ${stampKey} and ${readStampKey} are those of sessions`);
    }
    this.method = method.name;
    this.payload = payload;
    this.metadata = metadata;
    this.readOnly = method.readOnly;
  }

  /** Whether the caller has its outcome. */
  get over(): boolean {
    return this.#over;
  }

  /** Begins to wait. False if the caller has left already, and nothing is to be sent. */
  begin(): boolean {
    const { signal } = this.#call.options;
    if (signal?.aborted) this.#leave(abortError(signal.reason));
    else if (this.timeoutMs === 0) this.#leave(this.#expired());
    else {
      this.#cancelDeadline = scheduleDeadline(deadlineAfter(this.timeoutMs), () =>
        this.#leave(this.#expired()),
      );
      if (signal !== undefined) this.#unlisten = onCallAborted(signal, (error) => this.#leave(error));
    }
    return !this.#over;
  }

  answered({ payload, error }: RawReply, node: PeerNode): void {
    if (this.#over) return;
    if (error !== undefined) this.#settle({ ok: false, node, error });
    else this.#settle(this.#decoded(payload, node));
  }

  failed(error: QuorateError): void {
    this.#settle({ ok: false, node: this.#node, error });
  }

  #leave(error: QuorateError): void {
    this.#settle({ ok: false, node: this.#node, error });
    this.#listener.left(this);
  }

  #settle(response: PeerResponse): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelDeadline?.();
    this.#unlisten?.();
    const mapped = this.#outgoing.intercept(response);
    if (mapped === drop || (mapped.ok && mapped.value === undefined)) {
      this.#listener.reject(skipped(this.method, response.node));
    } else if (!mapped.ok) this.#listener.reject(mapped.error);
    else if (mapped.value !== undefined) this.#listener.resolve(mapped.value);
  }

  #decoded(payload: Uint8Array, node: PeerNode): PeerResponse {
    try {
      return { ok: true, node, value: this.#call.method.decode(payload) };
    } catch (error) {
      return { ok: false, node, error: QuorateError.from(error) };
    }
  }

  #expired(): QuorateError {
    const message = `quorate: no result within ${this.timeoutMs} ms`;
    return new QuorateError(Code.DeadlineExceeded, message, {
      cause: this.lastFailure ?? this.#node.lastError,
    });
  }
}

function skipped(method: string, node: PeerNode): QuorateError {
  const message = `quorate: an interceptor skipped ${node}, or dropped its reply to ${method}`;
  return new QuorateError(Code.FailedPrecondition, message, { reason: "SKIPPED" });
}
