import type { Message } from "@bufbuild/protobuf";
import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import { Fifo } from "../../internal/util/fifo.js";
import type { NodeResponse } from "../configuration/node-response.js";
import type { PeerNode } from "../configuration/peer-node.js";
import { QuorumCallError } from "../errors/quorum-call-error.js";
import type { CallOptions } from "./call-options.js";
import { type Correctable, type CorrectableSource, createCorrectable } from "./correctable.js";
import type { RequestInit } from "./method-info.js";
import { callNodes, type NodeCalls } from "./node-calls.js";
import type { ClientMethodInit, InterceptedOptions, PeerResponse } from "./outgoing-call.js";
import { emptyConfiguration } from "./quorum-call.js";
import { IteratedResponses } from "./response-sequence.js";
import type { Combine, StreamedResponses } from "./responses.js";

/** Calls every node of a configuration for any number of replies each. The requests are sent before this returns. */
export function callStreamed(
  init: ClientMethodInit,
  request: RequestInit,
  options: CallOptions & InterceptedOptions,
): StreamedResponses<Message> {
  return new StreamedCall(init, request, options);
}

class StreamedCall
  extends IteratedResponses<Message>
  implements StreamedResponses<Message>, CorrectableSource<Message>
{
  readonly size: number;
  readonly #method: string;
  readonly #calls: NodeCalls | undefined;
  /** Why nothing was sent at all. */
  readonly #unsent: QuorateError | undefined;
  /** Nodes that may still reply. */
  readonly #open: Set<PeerNode>;
  readonly #nodeErrors = new Map<number, QuorateError>();
  /** What was not read yet, and how much of it there is of each node. */
  readonly #unread = new Fifo<NodeResponse<Message>>();
  readonly #unreadOf = new Map<number, number>();
  #replies = 0;
  #ended: QuorateError | undefined;
  #taken = false;
  #wake: (() => void) | undefined;

  constructor(init: ClientMethodInit, request: RequestInit, options: CallOptions & InterceptedOptions) {
    super();
    const { method, nodes } = init;
    this.#method = method.name;
    this.size = nodes.length;
    this.#open = new Set(nodes);
    try {
      if (nodes.length === 0) throw emptyConfiguration(method.name);
      this.#calls = callNodes(
        { ...init, request, options, replies: "many" },
        {
          responded: (response) => this.#responded(response),
          closed: (node) => this.#close(node),
          ended: (error) => this.#end(error),
        },
      );
    } catch (error) {
      this.#unsent = QuorateError.from(error);
    }
  }

  correctable<Value = Message>(level: number, combine?: Combine<Message, Value>): Correctable<Value> {
    return createCorrectable(this, level, combine);
  }

  outOfReach(count: number): QuorateError | undefined {
    if (this.#open.size > 0 || this.#unread.length > 0) return undefined;
    const error = this.#ended;
    const why = error === undefined ? "incomplete call" : error.message;
    return new QuorumCallError({
      ...(error === undefined
        ? { reason: "INCOMPLETE" }
        : { reason: "ENDED", code: error.code, cause: error }),
      message: `quorum call error: ${this.#method}: ${why}: ${this.#replies} of ${count} replies from ${this.size} nodes`,
      nodeErrors: new Map(this.#nodeErrors),
      unanswered: [],
    });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<NodeResponse<Message>, void, undefined> {
    if (this.#unsent !== undefined) throw this.#unsent;
    if (this.#taken) throw readTwice(this.#method);
    this.#taken = true;
    try {
      while (true) {
        const next = this.#unread.shift();
        if (next !== undefined) {
          if (next.ok) this.#count(next.node.id, -1);
          yield next;
        } else if (this.#open.size > 0) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        } else {
          return;
        }
      }
    } finally {
      this.#open.clear();
      this.#calls?.stop();
    }
  }

  #responded(response: PeerResponse): void {
    const { node } = response;
    if (!this.#open.has(node)) return;
    const limit = node.settings.maxQueuedReplies;
    if (!response.ok) this.#fail(node, response.error);
    else if ((this.#unreadOf.get(node.id) ?? 0) >= limit) this.#overflow(node, limit);
    else if (response.value !== undefined) {
      this.#replies += 1;
      this.#count(node.id, 1);
      this.#push({ ok: true, node, value: response.value });
    }
  }

  #overflow(node: PeerNode, limit: number): void {
    node.settings.events.emit({ kind: "limitReached", limit: "replyQueue", nodeId: node.id });
    const message = `quorate: ${limit} replies of ${node} to ${this.#method} wait to be read (maxQueuedReplies)`;
    this.#fail(node, new QuorateError(Code.ResourceExhausted, message, { reason: "REPLY_QUEUE_FULL" }));
  }

  /** The last of a node, whose replies are not wanted any longer if it still has some. */
  #fail(node: PeerNode, error: QuorateError): void {
    this.#nodeErrors.set(node.id, error);
    this.#push({ ok: false, node, error });
    this.#close(node);
    this.#calls?.forget(node);
  }

  #close(node: PeerNode): void {
    this.#open.delete(node);
    this.#wake?.();
  }

  #end(error: QuorateError): void {
    this.#ended = error;
    for (const node of [...this.#open]) {
      const told = this.#calls?.interceptEnd(node, error);
      if (told !== undefined) this.#push({ ok: false, node, error: told });
      this.#close(node);
    }
  }

  #push(response: NodeResponse<Message>): void {
    this.#unread.push(response);
    this.#wake?.();
  }

  #count(nodeId: number, change: 1 | -1): void {
    this.#unreadOf.set(nodeId, (this.#unreadOf.get(nodeId) ?? 0) + change);
  }
}

function readTwice(method: string): QuorateError {
  const message = `quorate: the replies to ${method} can be read once; make another call`;
  return new QuorateError(Code.FailedPrecondition, message, { reason: "READ_TWICE" });
}
