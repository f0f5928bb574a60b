import { Code } from "../../internal/errors/code.js";
import { abortError, QuorateError } from "../../internal/errors/quorate-error.js";
import { messageTooLarge } from "../../internal/stream/message-size.js";
import { PendingCall } from "../../internal/stream/pending-call.js";
import {
  type CancelDeadline,
  deadlineAfter,
  monotonicMs,
  scheduleDeadline,
} from "../../internal/util/deadlines.js";
import { encodeBody, envelopeSize } from "../../internal/wire/encode-envelope.js";
import type { Envelope } from "../../internal/wire/envelope.js";
import { nextCallNumber } from "../../internal/wire/message-id.js";
import { errorFromStatus } from "../../internal/wire/status.js";
import { drop, skip } from "../configuration/client-interceptor.js";
import { nodeNotConnected, type PeerNode } from "../configuration/peer-node.js";
import { checkTimeout, onCallAborted, type TwoWayCallOptions } from "./call-options.js";
import type { MethodInfo, RequestInit } from "./method-info.js";
import {
  type ClientMethodInit,
  type InterceptedOptions,
  type OutgoingCall,
  outgoingCall,
  type PeerResponse,
} from "./outgoing-call.js";

/** A call to one node or several: sent under one number, and encoded once if all nodes are asked the same. */
export interface NodeCallsInit extends ClientMethodInit {
  readonly request: RequestInit;
  readonly replies: "none" | "one" | "many";
  readonly options: TwoWayCallOptions & InterceptedOptions;
}

/** What comes of {@link callNodes}. Nothing is told before it has returned. */
export interface NodeCallsListener {
  /** A node replied, took a one-way call, or failed. Of many replies, an error is the last. */
  responded(response: PeerResponse): void;
  /** No response, or no more, comes of this node, and that is no error: it was skipped, or has ended its replies. */
  closed(node: PeerNode): void;
  /** The deadline passed or the signal ended; no node is told of after this. */
  ended(error: QuorateError): void;
}

/**
 * Sends a call to every node, in order, without waiting for any.
 * @throws QuorateError InvalidArgument, ResourceExhausted (`MESSAGE_TOO_LARGE`), or what an interceptor throws; then
 * nothing was sent.
 */
export function callNodes(init: NodeCallsInit, listener: NodeCallsListener): NodeCalls {
  try {
    return new NodeCalls(init, listener);
  } catch (thrown) {
    throw QuorateError.from(thrown);
  }
}

/** What one node is sent; an error if it is sent nothing. */
type NodeRequest = Uint8Array | QuorateError | typeof skip;

/** The calls to the nodes of one target, with the one deadline and the one signal that they share. */
export class NodeCalls {
  readonly #method: MethodInfo;
  readonly #replies: "none" | "one" | "many";
  readonly #outgoing: OutgoingCall;
  readonly #calls: PendingCall[] = [];
  /** Whom each of the calls is for. */
  readonly #called: PeerNode[] = [];
  readonly #listener: NodeCallsListener;
  readonly #timeoutMs: number;
  readonly #startedMs = monotonicMs();
  /** Nodes that the interceptors left out. */
  skipped = 0;
  #cancelDeadline: CancelDeadline | undefined;
  #unlisten: (() => void) | undefined;
  #held = 0;
  #quiet = false;

  constructor(init: NodeCallsInit, listener: NodeCallsListener) {
    const { method, nodes, options, replies } = init;
    this.#method = method;
    this.#replies = replies;
    this.#listener = listener;
    const defaultTimeoutMs = nodes[0]?.settings.defaultTimeoutMs ?? Number.POSITIVE_INFINITY;
    this.#timeoutMs = checkTimeout(options.timeoutMs ?? defaultTimeoutMs);
    this.#outgoing = outgoingCall(init, init.request, options);
    const number = nextCallNumber();
    const requests = encodeRequests(method, nodes, this.#outgoing, number);
    const endedAlready = this.#endedAlready(options.signal);
    if (endedAlready !== undefined) {
      this.#quiet = true;
      queueMicrotask(() => listener.ended(endedAlready));
      return;
    }
    this.#held = nodes.length;
    if (this.#held === 0) return;
    const deadline = deadlineAfter(this.#timeoutMs);
    this.#cancelDeadline = scheduleDeadline(deadline, () => this.#end(this.#expired(), "expire"));
    this.#unlisten = onCallAborted(options.signal, (error) => this.#end(error, "abort"));
    const waitForReady = options.waitForReady ?? false;
    const resend = options.resend ?? (method.idempotent && replies === "one");
    for (const [at, node] of nodes.entries()) {
      const body = requests[requests.length === 1 ? 0 : at] ?? skip;
      if (body === skip) this.#skip(node);
      else if (body instanceof QuorateError) this.#fail(node, body);
      else this.#call(node, { number, body, method: method.name, replies, deadline, waitForReady, resend });
    }
  }

  /**
   * Stops waiting: nothing more is told, and what is queued is still sent within the deadline, unless it has many
   * replies. The signal no longer counts: one that ends as soon as a majority has answered must not keep a write from
   * the slow replica (W-04).
   */
  stop(): void {
    if (this.#quiet) return;
    this.#quiet = true;
    this.#unlisten?.();
    for (const [at, call] of this.#calls.entries()) {
      const node = this.#called[at];
      if (node !== undefined && this.#awaits(call)) this.#outgoing.left(node);
      call.forget();
    }
  }

  /** Stops waiting for one node, of which nothing more is told. */
  forget(node: PeerNode): void {
    this.#calls[this.#called.indexOf(node)]?.forget();
  }

  /**
   * What the interceptors make of the end of the call at a node that has not answered; undefined if they drop it. A
   * reply comes too late.
   */
  interceptEnd(node: PeerNode, error: QuorateError): QuorateError | undefined {
    const response = this.#outgoing.intercept(failure(node, error));
    return response === drop || response.ok ? undefined : response.error;
  }

  #call(node: PeerNode, init: ConstructorParameters<typeof PendingCall>[0]): void {
    let replied = false;
    const call = new PendingCall(init, {
      replied: (envelope) => {
        this.#replied(node, envelope, !replied);
        replied = true;
      },
      completed: () => this.#tell(() => this.#listener.closed(node)),
      written: () => {
        if (this.#replies === "none") this.#respond({ ok: true, node, value: undefined });
      },
      failed: (error) => {
        if (!this.#quiet) node.recordFailure(error);
        this.#failSoon(node, error);
      },
      released: () => this.#released(),
    });
    this.#calls.push(call);
    this.#called.push(node);
    if (node.channel === undefined) call.fail(nodeNotConnected(node));
    else call.sendOn(node.channel);
  }

  #replied(node: PeerNode, { status, payload }: Envelope, first: boolean): void {
    if (this.#quiet) return;
    const error = errorFromStatus(status);
    const response = error === undefined ? decoded(this.#method, node, payload) : failure(node, error);
    // A handler that fails is quick; it tells nothing of how long an answer takes.
    if (first) node.recordReply(response.ok ? monotonicMs() - this.#startedMs : undefined);
    this.#respond(response);
  }

  /** Without a call: the node is sent nothing. */
  #skip(node: PeerNode): void {
    this.skipped += 1;
    queueMicrotask(() => this.#tell(() => this.#listener.closed(node)));
    this.#released();
  }

  #fail(node: PeerNode, error: QuorateError): void {
    this.#failSoon(node, error);
    this.#released();
  }

  /** A call that fails at once would be told of before its maker knows of the others. */
  #failSoon(node: PeerNode, error: QuorateError): void {
    queueMicrotask(() => this.#respond(failure(node, error)));
  }

  #respond(response: PeerResponse): void {
    this.#tell(() => {
      const last = this.#replies !== "many" || !response.ok;
      const mapped = this.#outgoing.intercept(response);
      if (mapped !== drop) this.#listener.responded(mapped);
      const toldLast = mapped !== drop && (this.#replies !== "many" || !mapped.ok);
      if (last && !toldLast) this.#listener.closed(response.node);
    });
  }

  #tell(told: () => void): void {
    if (!this.#quiet) told();
  }

  /** Whether an answer of its node is still to come, as far as one knows. */
  #awaits(call: PendingCall): boolean {
    if (this.#replies === "none" || call.state === "over") return false;
    return this.#replies === "many" || !call.hasReply;
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
    for (const [at, call] of this.#calls.entries()) {
      if (how === "expire") {
        if (call.state !== "over" && !call.forgotten) this.#called[at]?.recordFailure(error);
        call.expire(error);
      } else call.abort(error, true);
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

/** What each node is sent, or one element that all are sent. */
function encodeRequests(
  { name }: MethodInfo,
  nodes: readonly PeerNode[],
  outgoing: OutgoingCall,
  number: number,
): NodeRequest[] {
  const entries = outgoing.metadata.entries();
  const encoded = new Map<Uint8Array, Uint8Array>();
  const encode = (node: PeerNode) => {
    const payload = outgoing.payloadFor(node);
    if (payload === skip) return skip;
    const body = encoded.get(payload) ?? encodeBody({ method: name, entries, payload });
    encoded.set(payload, body);
    refuseTooLarge(number, body, node);
    return body;
  };
  const [first] = nodes;
  if (outgoing.shared && first !== undefined) {
    const body = encode(first);
    for (const node of nodes) if (body !== skip) refuseTooLarge(number, body, node);
    return [body];
  }
  return nodes.map((node) => {
    try {
      return encode(node);
    } catch (thrown) {
      return QuorateError.from(thrown);
    }
  });
}

/** With the most that number and deadline can add, so that the size does not depend on when it is sent. */
function refuseTooLarge(number: number, body: Uint8Array, { id, settings }: PeerNode): void {
  const size = envelopeSize(number, true, body, 0x7fffffff);
  if (size <= settings.maxMessageBytes) return;
  settings.events.emit({ kind: "limitReached", limit: "messageSize", nodeId: id });
  throw messageTooLarge("request", size, settings.maxMessageBytes);
}

function failure(node: PeerNode, error: QuorateError): PeerResponse {
  return { ok: false, node, error };
}

function decoded(method: MethodInfo, node: PeerNode, payload: Uint8Array): PeerResponse {
  try {
    return { ok: true, node, value: method.decode(payload) };
  } catch (error) {
    return failure(node, QuorateError.from(error));
  }
}
