import type { QuorateError } from "../../internal/errors/quorate-error.js";

/** A peer that can be called: a server that was dialled, a known peer, a dynamic client, or this process itself. */
export interface Node {
  /** 1 to 2^20-1 for nodes of a list, from 2^20 for dynamic clients. */
  readonly id: number;
  /** `host:port` as given; of a dynamic client, where it connected from. */
  readonly address: string;
  /** The part of the address before the port; of `[::1]:9081` it is `::1`. */
  readonly host: string;
  /** The port of the address; undefined if the transport did not tell where a dynamic client connected from. */
  readonly port: number | undefined;
  /** Whether there is a stream to the node now. */
  readonly connected: boolean;
  /** Whether calls to the node go over a stream that the peer opened. False while there is none. */
  readonly inbound: boolean;
  /** Calls of this side to the node that are queued or wait for replies. */
  readonly pendingCalls: number;
  /**
   * How long the node takes to answer, in milliseconds: a moving estimate over the successful calls with a reply, in
   * which a new call counts for a fifth; of a stream of replies only the first counts. It gets no newer while there
   * are no calls. Undefined before the first.
   */
  readonly latencyMs: number | undefined;
  /**
   * Why the node cannot be reached now, else how the last call to it failed that got no answer. An answer clears it,
   * and so does a new stream: a node that nobody calls, because it had an error, must not keep it for ever (W-25).
   */
  readonly lastError: QuorateError | undefined;
  /** `node 1 | addr: 127.0.0.1:9081`. */
  toString(): string;
}
