import type { Message } from "@bufbuild/protobuf";
import { Code } from "../../internal/errors/code.js";
import { monotonicMs } from "../../internal/util/deadlines.js";
import type { CallHooks, ClientCall } from "../configuration/client-interceptor.js";
import type { Node } from "../configuration/node.js";
import type { NodeResponse } from "../configuration/node-response.js";
import type { OpenContextSession } from "./open-context-session.js";

/** Tells the session in which a call was made what came of each of its nodes. */
export class CallOutcomes implements CallHooks<Message, Message | undefined> {
  readonly #session: OpenContextSession;
  readonly #call: ClientCall;
  readonly #isUseful: ((reply: Message, call: ClientCall) => boolean) | undefined;
  readonly #startedMs = monotonicMs();
  /** Of a call with many replies per node: those that had one. */
  readonly #replied: Set<Node> | undefined;

  constructor(
    session: OpenContextSession,
    call: ClientCall,
    isUseful: ((reply: Message, call: ClientCall) => boolean) | undefined,
  ) {
    this.#session = session;
    this.#call = call;
    this.#isUseful = isUseful;
    this.#replied = call.callType === "correctable" ? new Set() : undefined;
  }

  response(response: NodeResponse<Message | undefined>): void {
    if (!this.#session.isOpen) return;
    const { tracker } = this.#session;
    const { node } = response;
    const nowMs = monotonicMs();
    if (!response.ok && response.error.code === Code.Canceled) {
      this.left(node);
    } else if (!response.ok) {
      // How long a stream of replies lasted says nothing of how long the first one took.
      tracker.failed(node, nowMs, this.#isOpenStream(node) ? undefined : nowMs - this.#startedMs);
    } else if (response.value === undefined) {
      // A one-way call has no reply.
      tracker.succeeded(node, nowMs);
    } else if (!this.#isOpenStream(node)) {
      this.#replied?.add(node);
      const isUseful = this.#isUseful?.(response.value, this.#call) ?? true;
      tracker[isUseful ? "succeeded" : "failed"](node, nowMs, nowMs - this.#startedMs);
    }
  }

  left(node: Node): void {
    if (!this.#session.isOpen || this.#isOneWay || this.#isOpenStream(node)) return;
    const nowMs = monotonicMs();
    this.#session.tracker.unanswered(node, nowMs, nowMs - this.#startedMs);
  }

  get #isOneWay(): boolean {
    return this.#call.callType === "unicast" || this.#call.callType === "multicast";
  }

  #isOpenStream(node: Node): boolean {
    return this.#replied?.has(node) === true;
  }
}
