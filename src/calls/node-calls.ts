import { Code } from "../../internal/errors/code.js";
import { abortError, QuorateError } from "../../internal/errors/quorate-error.js";
import { messageTooLarge } from "../../internal/stream/message-size.js";
import { PendingCall } from "../../internal/stream/pending-call.js";
import { type CancelDeadline, deadlineAfter, scheduleDeadline } from "../../internal/util/deadlines.js";
import { encodeBody, envelopeSize } from "../../internal/wire/encode-envelope.js";
import type { Envelope } from "../../internal/wire/envelope.js";
import { nextCallNumber } from "../../internal/wire/message-id.js";
import { Metadata } from "../../internal/wire/metadata.js";
import type { PeerNode } from "../configuration/node.js";
import { checkTimeout, onCallAborted, type TwoWayCallOptions } from "./call-options.js";

/** A call to one node or several: encoded once, sent under one number. */
export interface NodeCallsInit {
  /** Full name on the wire. */
  readonly method: string;
  readonly payload: Uint8Array;
  readonly nodes: readonly PeerNode[];
  readonly replies: "none" | "one";
  readonly options: TwoWayCallOptions;
  /** Whether a request whose stream is lost may be sent again, if the options do not say. */
  readonly idempotent: boolean;
}

/** What comes of {@link callNodes}. Nothing is told before it has returned. */
export interface NodeCallsListener {
  replied(node: PeerNode, envelope: Envelope): void;
  /** A one-way call was taken by the transport. */
  written(node: PeerNode): void;
  failed(node: PeerNode, error: QuorateError): void;
  /** The deadline passed or the signal ended; no node is told of after this. */
  ended(error: QuorateError): void;
}

/**
 * Sends a call to every node, in order, without waiting for any.
 * @throws QuorateError InvalidArgument, ResourceExhausted (`MESSAGE_TOO_LARGE`); then nothing was sent.
 */
export function callNodes(init: NodeCallsInit, listener: NodeCallsListener): NodeCalls {
  return new NodeCalls(init, listener);
}

/** The calls to the nodes of one target, with the one deadline and the one signal that they share. */
export class NodeCalls {
  readonly #calls: PendingCall[] = [];
  readonly #listener: NodeCallsListener;
  readonly #timeoutMs: number;
  #cancelDeadline: CancelDeadline | undefined;
  #unlisten: (() => void) | undefined;
  #held = 0;
  #quiet = false;

  constructor(init: NodeCallsInit, listener: NodeCallsListener) {
    const { nodes, options, replies } = init;
    this.#listener = listener;
    const settings = nodes[0]?.settings;
    this.#timeoutMs = checkTimeout(
      options.timeoutMs ?? settings?.defaultTimeoutMs ?? Number.POSITIVE_INFINITY,
    );
    const entries = Metadata.from(options.metadata).entries();
    const body = encodeBody({ method: init.method, entries, payload: init.payload });
    const number = nextCallNumber();
    // With the most that number and deadline can add, so that the size does not depend on when it is sent.
    refuseTooLarge(envelopeSize(number, true, body, 0x7fffffff), nodes);
    const deadline = deadlineAfter(this.#timeoutMs);
    const shared = {
      number,
      body,
      method: init.method,
      replies,
      deadline,
      waitForReady: options.waitForReady ?? false,
      resend: options.resend ?? init.idempotent,
    };
    const endedAlready = this.#endedAlready(options.signal);
    if (endedAlready !== undefined) {
      this.#quiet = true;
      queueMicrotask(() => listener.ended(endedAlready));
      return;
    }
    this.#held = nodes.length;
    if (this.#held === 0) return;
    this.#cancelDeadline = scheduleDeadline(deadline, () => this.#end(this.#expired(), "expire"));
    this.#unlisten = onCallAborted(options.signal, (error) => this.#end(error, "abort"));
    for (const node of nodes) this.#call(node, shared);
  }

  /**
   * Stops waiting: nothing more is told, and what is queued is still sent within the deadline. The signal no longer
   * counts: one that ends as soon as a majority has answered must not keep a write from the slow replica (W-04).
   */
  stop(): void {
    if (this.#quiet) return;
    this.#quiet = true;
    this.#unlisten?.();
    for (const call of this.#calls) call.forget();
  }

  #call(node: PeerNode, shared: ConstructorParameters<typeof PendingCall>[0]): void {
    const tell = (told: () => void) => {
      if (!this.#quiet) told();
    };
    const call = new PendingCall(shared, {
      replied: (envelope) => tell(() => this.#listener.replied(node, envelope)),
      written: () => tell(() => this.#listener.written(node)),
      // A call that fails at once would be told of before its maker knows of the others.
      failed: (error) => queueMicrotask(() => tell(() => this.#listener.failed(node, error))),
      released: () => this.#released(),
    });
    this.#calls.push(call);
    if (node.channel === undefined) call.fail(noStream(node));
    else call.sendOn(node.channel);
  }

  #released(): void {
    this.#held -= 1;
    if (this.#held > 0) return;
    this.#cancelDeadline?.();
    this.#unlisten?.();
  }

  #end(error: QuorateError, how: "expire" | "abort"): void {
    const tell = !this.#quiet;
    this.#quiet = true;
    for (const call of this.#calls) {
      if (how === "expire") call.expire(error);
      else call.abort(error, true);
    }
    if (tell) this.#listener.ended(error);
  }

  #endedAlready(signal: AbortSignal | undefined): QuorateError | undefined {
    if (signal?.aborted) return abortError(signal.reason);
    return this.#timeoutMs === 0 ? this.#expired() : undefined;
  }

  #expired(): QuorateError {
    return new QuorateError(Code.DeadlineExceeded, `quorate: no result within ${this.#timeoutMs} ms`);
  }
}

function noStream(node: PeerNode): QuorateError {
  return new QuorateError(Code.Unavailable, `quorate: stream is down: ${node} is not connected`, {
    reason: "NOT_CONNECTED",
  });
}

function refuseTooLarge(size: number, nodes: readonly PeerNode[]): void {
  for (const { id, settings } of nodes) {
    if (size <= settings.maxMessageBytes) continue;
    settings.events.emit({ kind: "limitReached", limit: "messageSize", nodeId: id });
    throw messageTooLarge("request", size, settings.maxMessageBytes);
  }
}
