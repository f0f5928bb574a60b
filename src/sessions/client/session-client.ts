import { fromBinary } from "@bufbuild/protobuf";
import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import type { AttachedExtension, Extension } from "../../server/extension.js";
import type { StreamContext } from "../../server/handler-context.js";
import { clientIdOf } from "../client-id.js";
import { EvictedRequestSchema, EvictionReason } from "../gen/quorate/session/v1/session_pb.js";
import type { Eviction } from "./classify-answer.js";
import { addDialledStreams, DialledStreams } from "./dialled-streams.js";
import { sessionServiceNames } from "./session-messages.js";

/**
 * What a connection needs for `openSession`: `connect({ extensions: [sessionClient()] })`, or among the extensions of a
 * server that has sessions at others. With it servers can tell their clients that a session has ended.
 */
export function sessionClient(): Extension {
  const method = sessionServiceNames.evicted;
  return {
    name: "sessionClient",
    attach: async ({ calls, events }): Promise<AttachedExtension> => {
      const streams = new DialledStreams();
      addDialledStreams(calls, streams);
      return {
        methods: [method],
        handle: (request, stream, next) => {
          if (request.method !== method) return next(request, stream);
          request.declareOneWay();
          try {
            heedEvicted(streams, request.payload, stream);
          } catch (thrown) {
            events.emit({ kind: "handlerFailed", method, error: QuorateError.from(thrown, Code.Internal) });
          }
          return Promise.resolve();
        },
        streamOpened: (stream) => streams.opened(stream),
        closing: () => streams.close(connectionClosed()),
        close: async () => streams.close(connectionClosed()),
      };
    },
  };
}

function heedEvicted(streams: DialledStreams, payload: Uint8Array, { connection }: StreamContext): void {
  const { client, session, reason } = fromBinary(EvictedRequestSchema, payload);
  const id = clientIdOf(client);
  if (id !== undefined)
    streams.evicted(id, { session: Number(session), reason: reasonOf(reason) }, connection);
}

function reasonOf(reason: EvictionReason): Eviction["reason"] {
  switch (reason) {
    case EvictionReason.CAPACITY:
      return "capacity";
    case EvictionReason.EXPIRED:
      return "expired";
    case EvictionReason.TAKEN_OVER:
      return "takenOver";
    case EvictionReason.UNREGISTERED:
      return "unregistered";
    default:
      return "unknown";
  }
}

function connectionClosed(): QuorateError {
  const message = "quorate: the connection that the session was opened on is closed";
  return new QuorateError(Code.Unavailable, message, { reason: "CLOSED" });
}
