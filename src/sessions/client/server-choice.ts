import { Code } from "../../../internal/errors/code.js";
import { invalidArgument, QuorateError } from "../../../internal/errors/quorate-error.js";
import type { Configuration } from "../../configuration/configuration.js";
import type { NodeOrder } from "../../configuration/node-order.js";
import { nodesOf } from "../../configuration/node-set.js";
import type { PeerNode } from "../../configuration/peer-node.js";
import {
  type ConnectedSession,
  type DialledStream,
  type DialledStreams,
  dialledStreamsOf,
} from "./dialled-streams.js";

/** The servers that a session may be at, the preferred ones first. */
export class ServerChoice {
  readonly nodes: readonly PeerNode[];
  readonly #connections: readonly DialledStreams[];
  readonly #prefer: NodeOrder;

  /**
   * @throws QuorateError FailedPrecondition: `EMPTY_CONFIGURATION`; `NO_BACK_CHANNEL` if a node is of a connection
   * without `sessionClient()`. InvalidArgument for what is no configuration, and an order that is none.
   */
  constructor(configuration: Configuration, prefer: NodeOrder) {
    if (typeof prefer !== "function") throw invalidArgument("prefer must be a function, such as byLatency");
    this.nodes = nodesOf(configuration);
    this.#prefer = prefer;
    if (this.nodes.length === 0) {
      const message = "quorate: the configuration is empty: there is no server to have a session at";
      throw new QuorateError(Code.FailedPrecondition, message, { reason: "EMPTY_CONFIGURATION" });
    }
    this.#connections = [...new Set(this.nodes.map(connectionOf))];
  }

  /** Why there is nothing to choose from any more. */
  get closed(): QuorateError | undefined {
    return this.#connections.find(({ closed }) => closed !== undefined)?.closed;
  }

  /** The streams that are up now. */
  connected(): readonly DialledStream[] {
    const streams: DialledStream[] = [];
    for (const node of this.nodes) {
      const stream = dialledStreamsOf(node.settings)?.of(node);
      if (stream !== undefined) streams.push(stream);
    }
    return streams.sort((a, b) => this.#prefer(a.node, b.node));
  }

  /** Calls `changed` whenever a stream came up, or all were closed; returns what stops it. */
  listen(changed: () => void): () => void {
    const stops = this.#connections.map((connection) => connection.listen(changed));
    return () => {
      for (const stop of stops) stop();
    };
  }

  /** Tells the session what comes for it from now on; returns what stops it. */
  join(session: ConnectedSession): () => void {
    const leaves = this.#connections.map((connection) => connection.join(session));
    return () => {
      for (const leave of leaves) leave();
    };
  }
}

function connectionOf({ settings }: PeerNode): DialledStreams {
  const streams = dialledStreamsOf(settings);
  if (streams !== undefined) return streams;
  const message =
    "quorate: the connection cannot have sessions: connect({ extensions: [sessionClient()] }) lets servers tell of their end";
  throw new QuorateError(Code.FailedPrecondition, message, { reason: "NO_BACK_CHANNEL" });
}
