import { Metadata } from "../../../internal/wire/metadata.js";
import { callRaw } from "../../calls/raw-call.js";
import { peerNodeOf } from "../../configuration/node-set.js";
import type { PeerNode } from "../../configuration/peer-node.js";
import type { StreamContext } from "../../server/handler-context.js";
import { encodeMessage } from "../../service/message-codec.js";
import { wireName } from "../../service/quorate-service.js";
import type { User } from "../credentials/authenticate.js";
import {
  EvictedRequestSchema,
  EvictionReason,
  SessionService,
} from "../gen/quorate/session/v1/session_pb.js";
import { fromHex } from "../hex.js";
import { hasStamp } from "../stamp.js";
import type { CheckedStream } from "./session-check.js";

/** Why a client is told that its session is no longer bound to a stream. */
export type Eviction = "capacity" | "expired" | "takenOver" | "unregistered" | "unknown";

/** What sessions know of one stream: who is on it, and which clients are bound to it. */
export class SessionStream {
  readonly context: StreamContext;
  /** The session numbers of the clients that are bound here. */
  readonly bound: Map<string, number> = new Map();
  /** Whether the metadata of the stream has a stamp, which is none of its calls'. */
  readonly isStamped: boolean;
  /** Whether the transport was asked who the peer is. */
  askedTransport = false;
  readonly #needsLogin: boolean;
  /** The way back. */
  readonly #caller: PeerNode | undefined;
  #user: User | undefined;

  constructor(context: StreamContext, needsLogin: boolean) {
    this.context = context;
    this.isStamped = hasStamp(context.connection.metadata);
    this.#needsLogin = needsLogin;
    this.#caller = context.caller && peerNodeOf(context.caller);
  }

  /** Whom the stream belongs to, "" where nobody need log in; undefined while nobody has logged in. */
  get userId(): string | undefined {
    return this.#needsLogin ? this.#user?.id : "";
  }

  /** Who has logged in. */
  get user(): User | undefined {
    return this.#user;
  }

  get isOver(): boolean {
    return this.context.connection.closed.aborted;
  }

  logIn(user: User): void {
    this.#user = user;
  }

  logOut(): void {
    this.#user = undefined;
    this.bound.clear();
  }

  /** As the checks see it, for a stamp of this client and session. */
  checked(client: string, session: number): CheckedStream {
    return { user: this.userId, bound: this.bound.get(client) === session };
  }

  /** Tells the client that the session of this number has ended. A stream without a way back is not told. */
  evict(client: string, session: number, reason: Eviction): void {
    if (this.#caller === undefined) return;
    const payload = encodeMessage(EvictedRequestSchema, {
      client: fromHex(client),
      session: BigInt(session),
      reason: reasons[reason],
    });
    const call = {
      method: evictedName,
      payload,
      metadata: Metadata.empty,
      timeoutMs,
      // On a newer one the client has another number, or none.
      stream: this.context.stream(),
      oneWay: true,
    };
    // A stream that is lost needs no telling: the client registers on another, and is answered there.
    callRaw(this.#caller, call, { replied: () => {}, failed: () => {} });
  }
}

const evictedName = wireName(SessionService.method.evicted);
const timeoutMs = 30_000;
const reasons = {
  capacity: EvictionReason.CAPACITY,
  expired: EvictionReason.EXPIRED,
  takenOver: EvictionReason.TAKEN_OVER,
  unregistered: EvictionReason.UNREGISTERED,
  unknown: EvictionReason.UNSPECIFIED,
} as const;
