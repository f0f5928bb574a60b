import type { Message } from "@bufbuild/protobuf";
import { Code } from "../../internal/errors/code.js";
import { invalidArgument, QuorateError } from "../../internal/errors/quorate-error.js";
import { errorFromStatus } from "../../internal/wire/status.js";
import type { PeerNode } from "../configuration/node.js";
import type { TwoWayCallOptions } from "./call-options.js";
import type { MethodInfo, RequestInit } from "./method-info.js";
import { callNodes, type NodeCalls } from "./node-calls.js";
import type { Combine, NodeResponse, Responses } from "./responses.js";
import { evaluateThreshold, majorityOf, type Tally } from "./threshold.js";

/** Calls every node of a configuration. The requests are sent before this returns. */
export function callQuorum(
  method: MethodInfo,
  nodes: readonly PeerNode[],
  request: RequestInit,
  options: TwoWayCallOptions,
): Responses<Message> {
  return new QuorumResponses(method, nodes, request, options);
}

class QuorumResponses implements Responses<Message>, Tally<Message> {
  readonly method: string;
  readonly size: number;
  readonly replies: Message[] = [];
  readonly nodeErrors = new Map<number, QuorateError>();
  readonly unanswered: Set<PeerNode>;
  ended: QuorateError | undefined;
  stopped = false;
  readonly #arrived: NodeResponse<Message>[] = [];
  readonly #calls: NodeCalls | undefined;
  /** Why nothing was sent at all. */
  readonly #unsent: QuorateError | undefined;
  /** Looked at again whenever something came; each returns whether it still waits. */
  readonly #waiting = new Set<() => boolean>();
  /** Terminals that are not settled, and iterations that are not left. */
  #interested = 0;

  constructor(
    method: MethodInfo,
    nodes: readonly PeerNode[],
    request: RequestInit,
    options: TwoWayCallOptions,
  ) {
    this.method = method.name;
    this.size = nodes.length;
    this.unanswered = new Set(nodes);
    try {
      if (nodes.length === 0) throw emptyConfiguration(method.name);
      const init = { method: method.name, payload: method.encode(request), nodes, options };
      this.#calls = callNodes(
        { ...init, replies: "one", idempotent: method.idempotent },
        {
          replied: (node, { status, payload }) => {
            const error = errorFromStatus(status);
            this.#settle(error === undefined ? decoded(method, node, payload) : { ok: false, node, error });
          },
          written: () => {},
          failed: (node, error) => this.#failed(node, error),
          ended: (error) => this.#end(error),
        },
      );
    } catch (error) {
      this.#unsent = QuorateError.from(error);
    }
  }

  first(): Promise<Message> {
    return this.#terminal(1, undefined);
  }

  majority<Result = Message>(combine?: Combine<Message, Result>): Promise<Result> {
    return this.#terminal(majorityOf(this.size), combine);
  }

  all<Result = Message>(combine?: Combine<Message, Result>): Promise<Result> {
    return this.#terminal(this.size, combine);
  }

  threshold<Result = Message>(count: number, combine?: Combine<Message, Result>): Promise<Result> {
    if (!Number.isInteger(count) || count < 1) {
      throw invalidArgument(`a threshold is an integer from 1 on; it is ${count}`);
    }
    return this.#terminal(count, combine);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<NodeResponse<Message>, void, undefined> {
    if (this.#unsent !== undefined) throw this.#unsent;
    this.#interested += 1;
    try {
      for (let at = 0; ; at++) {
        const next = await this.#arrival(at);
        if (next === undefined) return;
        yield next;
      }
    } finally {
      this.#lostInterest();
    }
  }

  #terminal<Result>(count: number, combine: Combine<Message, Result> | undefined): Promise<Result> {
    const promise = new Promise<Result>((resolve, reject) => {
      if (this.#unsent !== undefined) return reject(this.#unsent);
      this.#interested += 1;
      this.#wait(() => {
        const outcome = evaluateThreshold(count, this);
        if (outcome.kind === "open") return true;
        if (outcome.kind === "failed") reject(outcome.error);
        else resolveCombined(outcome.replies, combine, resolve, reject);
        this.#lostInterest();
        return false;
      });
    });
    // Whoever awaits it still gets the rejection.
    promise.catch(() => {});
    return promise;
  }

  /** The response at this place of the arrivals, once it is there; undefined if there will be none. */
  #arrival(at: number): Promise<NodeResponse<Message> | undefined> {
    return new Promise((resolve) => {
      this.#wait(() => {
        const next = this.#arrived[at];
        if (next === undefined && this.unanswered.size > 0 && !this.stopped) return true;
        resolve(next);
        return false;
      });
    });
  }

  #wait(attempt: () => boolean): void {
    if (attempt()) this.#waiting.add(attempt);
  }

  #wake(): void {
    for (const attempt of [...this.#waiting]) if (!attempt()) this.#waiting.delete(attempt);
  }

  #settle(response: NodeResponse<Message> & { readonly node: PeerNode }): void {
    this.#enter(response);
    this.#wake();
  }

  /** Nodes that are down are told of one after the other; an early failure names them all. */
  #failed(node: PeerNode, error: QuorateError): void {
    this.#enter({ ok: false, node, error });
    queueMicrotask(() => this.#wake());
  }

  #enter(response: NodeResponse<Message> & { readonly node: PeerNode }): void {
    if (!this.unanswered.delete(response.node)) return;
    if (response.ok) this.replies.push(response.value);
    else this.nodeErrors.set(response.node.id, response.error);
    this.#arrived.push(response);
  }

  /** The whole call is over: to terminals the nodes that are left are unanswered, iterations get the reason for each. */
  #end(error: QuorateError): void {
    this.ended = error;
    this.#wake();
    for (const node of this.unanswered) this.#arrived.push({ ok: false, node, error });
    this.unanswered.clear();
    this.#wake();
  }

  #lostInterest(): void {
    this.#interested -= 1;
    if (this.#interested > 0 || this.stopped || this.unanswered.size === 0) return;
    this.stopped = true;
    this.#calls?.stop();
  }
}

function decoded(
  method: MethodInfo,
  node: PeerNode,
  payload: Uint8Array,
): NodeResponse<Message> & { readonly node: PeerNode } {
  try {
    return { ok: true, node, value: method.decode(payload) };
  } catch (error) {
    return { ok: false, node, error: QuorateError.from(error) };
  }
}

function resolveCombined<Result>(
  replies: readonly Message[],
  combine: Combine<Message, Result> | undefined,
  resolve: (result: Result) => void,
  reject: (error: unknown) => void,
): void {
  try {
    // Without `combine`, the overloads of Responses say that the result is the first reply.
    resolve(combine === undefined ? (replies[0] as Result) : combine(replies));
  } catch (error) {
    reject(error);
  }
}

function emptyConfiguration(method: string): QuorateError {
  return new QuorateError(
    Code.FailedPrecondition,
    `quorate: ${method} was called on a configuration without nodes`,
    {
      reason: "EMPTY_CONFIGURATION",
    },
  );
}
