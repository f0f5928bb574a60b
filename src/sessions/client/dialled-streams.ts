import type { QuorateError } from "../../../internal/errors/quorate-error.js";
import { onAbort } from "../../../internal/util/on-abort.js";
import { peerNodeOf } from "../../configuration/node-set.js";
import type { CallSettings, PeerNode } from "../../configuration/peer-node.js";
import type { Connection } from "../../server/connection.js";
import type { StreamContext } from "../../server/handler-context.js";
import type { Eviction } from "./classify-answer.js";

/** A stream to a server that is up. */
export interface DialledStream {
  readonly node: PeerNode;
  /** For `RawCall.stream`. */
  readonly stream: object;
  readonly connection: Connection;
}

/** A session as its connection sees it. */
export interface ConnectedSession {
  /** The client id. */
  readonly client: string;
  /** A server has called `Evicted` for the client, on the stream of this connection. */
  evicted(eviction: Pick<Eviction, "session" | "reason">, connection: Connection): void;
  /** The connection is being closed. */
  closed(error: QuorateError): void;
}

/** Which stream each server of a connection has now, and the sessions to be told of what comes on them. */
export class DialledStreams {
  readonly #byNode = new Map<PeerNode, DialledStream>();
  readonly #listeners = new Set<() => void>();
  /** By client id. Of one client there may be several: one that was restored beside the one that it was exported from. */
  readonly #sessions = new Map<string, Set<ConnectedSession>>();
  #closed: QuorateError | undefined;

  /** Why there are no streams any more. */
  get closed(): QuorateError | undefined {
    return this.#closed;
  }

  of(node: PeerNode): DialledStream | undefined {
    return this.#byNode.get(node);
  }

  /** A stream is up. */
  opened({ caller, connection }: StreamContext): void {
    const node = caller && peerNodeOf(caller);
    const stream = node?.channel?.stream;
    if (node === undefined || stream === undefined) return;
    const dialled = { node, stream, connection };
    this.#byNode.set(node, dialled);
    onAbort(connection.closed, () => {
      if (this.#byNode.get(node) === dialled) this.#byNode.delete(node);
    });
    // Not before the stream is wholly set up: whoever waits for it would call at once.
    queueMicrotask(() => {
      for (const listener of this.#listeners) listener();
    });
  }

  /** Calls `opened` whenever a stream came up, or all are closed; returns what stops it. */
  listen(opened: () => void): () => void {
    this.#listeners.add(opened);
    return () => this.#listeners.delete(opened);
  }

  /** Tells the session from now on; returns what stops it. */
  join(session: ConnectedSession): () => void {
    const { client } = session;
    const sessions = this.#sessions.get(client) ?? new Set();
    this.#sessions.set(client, sessions.add(session));
    return () => {
      if (sessions.delete(session) && sessions.size === 0) this.#sessions.delete(client);
    };
  }

  /** A server has called `Evicted` on this connection. */
  evicted(client: string, eviction: Pick<Eviction, "session" | "reason">, connection: Connection): void {
    for (const session of this.#sessions.get(client) ?? []) session.evicted(eviction, connection);
  }

  /** No more streams come, and the sessions end. */
  close(error: QuorateError): void {
    if (this.#closed !== undefined) return;
    this.#closed = error;
    for (const session of [...this.#sessions.values()].flatMap((sessions) => [...sessions])) {
      session.closed(error);
    }
    for (const listener of [...this.#listeners]) listener();
  }
}

/** The streams of the connection or server whose nodes have these settings; undefined without `sessionClient()`. */
export function dialledStreamsOf(settings: CallSettings): DialledStreams | undefined {
  return known.get(settings);
}

/** Makes the streams known by the settings of their nodes. */
export function addDialledStreams(settings: CallSettings, streams: DialledStreams): void {
  known.set(settings, streams);
}

const known = new WeakMap<CallSettings, DialledStreams>();
