import type { Message } from "@bufbuild/protobuf";
import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import type { NodeResponse } from "../configuration/node-response.js";
import type { PeerNode } from "../configuration/peer-node.js";
import type { TwoWayCallOptions } from "./call-options.js";
import { type Correctable, type CorrectableSource, createCorrectable } from "./correctable.js";
import type { RequestInit } from "./method-info.js";
import { callNodes, type NodeCalls } from "./node-calls.js";
import type { ClientMethodInit, InterceptedOptions, PeerResponse } from "./outgoing-call.js";
import { checkLevel, IteratedResponses } from "./response-sequence.js";
import type { Combine, Responses } from "./responses.js";
import { evaluateThreshold, majorityOf, type Tally } from "./threshold.js";

/** Calls every node of a configuration. The requests are sent before this returns. */
export function callQuorum(
  init: ClientMethodInit,
  request: RequestInit,
  options: TwoWayCallOptions & InterceptedOptions,
): Responses<Message> {
  return new QuorumResponses(init, request, options);
}

class QuorumResponses
  extends IteratedResponses<Message>
  implements Responses<Message>, Tally<Message>, CorrectableSource<Message>
{
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

  constructor(init: ClientMethodInit, request: RequestInit, options: TwoWayCallOptions & InterceptedOptions) {
    super();
    const { method, nodes } = init;
    this.method = method.name;
    this.size = nodes.length;
    this.unanswered = new Set(nodes);
    try {
      if (nodes.length === 0) throw emptyConfiguration(method.name);
      this.#calls = callNodes(
        { ...init, request, options, replies: "one" },
        {
          responded: (response) => this.#responded(response),
          closed: (node) => this.#closed(node),
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
    const asked = this.size - (this.#calls?.skipped ?? 0);
    return this.#terminal(Math.max(asked, 1), combine);
  }

  threshold<Result = Message>(count: number, combine?: Combine<Message, Result>): Promise<Result> {
    checkLevel(count, "a threshold");
    return this.#terminal(count, combine);
  }

  correctable<Value = Message>(level: number, combine?: Combine<Message, Value>): Correctable<Value> {
    return createCorrectable(this, level, combine);
  }

  outOfReach(count: number): QuorateError | undefined {
    const outcome = evaluateThreshold(count, this);
    return outcome.kind === "failed" ? outcome.error : undefined;
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
    const promise =
      combine === undefined
        ? // The overloads of Responses say that the result is the first reply then.
          this.#enough(count, (replies) => replies[0] as Result)
        : // In the caller's own async context, and not in that of whatever brought the last reply.
          this.#enough(count, (replies) => replies).then(combine);
    // Whoever awaits it still gets the rejection.
    promise.catch(() => {});
    return promise;
  }

  /** What is picked of the replies, once there are `count`. */
  #enough<Picked>(count: number, pick: (replies: readonly Message[]) => Picked): Promise<Picked> {
    return new Promise((resolve, reject) => {
      if (this.#unsent !== undefined) return reject(this.#unsent);
      this.#interested += 1;
      this.#wait(() => {
        const outcome = evaluateThreshold(count, this);
        if (outcome.kind === "open") return true;
        if (outcome.kind === "failed") reject(outcome.error);
        else resolve(pick(outcome.replies));
        this.#lostInterest();
        return false;
      });
    });
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

  #responded(response: PeerResponse): void {
    if (!this.unanswered.delete(response.node)) return;
    if (response.ok) {
      this.#enter(response);
      this.#wake();
      return;
    }
    this.nodeErrors.set(response.node.id, response.error);
    this.#arrived.push(response);
    // Nodes that are down are told of one after the other; an early failure names them all.
    queueMicrotask(() => this.#wake());
  }

  #closed(node: PeerNode): void {
    if (this.unanswered.delete(node)) queueMicrotask(() => this.#wake());
  }

  #enter({ node, value }: PeerResponse & { readonly ok: true }): void {
    // Two-way calls have values.
    if (value === undefined) return;
    this.replies.push(value);
    this.#arrived.push({ ok: true, node, value });
  }

  /** The whole call is over: to terminals the nodes that are left are unanswered, iterations get the reason for each. */
  #end(error: QuorateError): void {
    this.ended = error;
    this.#wake();
    for (const node of this.unanswered) {
      const told = this.#calls?.interceptEnd(node, error);
      if (told !== undefined) this.#arrived.push({ ok: false, node, error: told });
    }
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

/** What a quorum call gets that nobody can answer. */
export function emptyConfiguration(method: string): QuorateError {
  return new QuorateError(
    Code.FailedPrecondition,
    `quorate: ${method} was called on a configuration without nodes`,
    {
      reason: "EMPTY_CONFIGURATION",
    },
  );
}
