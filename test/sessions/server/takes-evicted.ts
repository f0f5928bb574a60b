import type { Extension } from "../../../src/server/extension.js";
import { decodeMessage } from "../../../src/service/message-codec.js";
import { wireName } from "../../../src/service/quorate-service.js";
import {
  type EvictedRequest,
  EvictedRequestSchema,
  SessionService,
} from "../../../src/sessions/gen/quorate/session/v1/session_pb.js";

/** What a client that can be told has: everything else that comes is handed on. */
export function takesEvicted(told: (request: EvictedRequest) => void): Extension {
  const name = wireName(SessionService.method.evicted);
  return {
    name: "takes Evicted",
    attach: async () => ({
      methods: [name],
      handle: async (request, stream, next) => {
        if (request.method !== name) return next(request, stream);
        request.declareOneWay();
        told(decodeMessage(EvictedRequestSchema, request.payload) as EvictedRequest);
      },
      close: async () => {},
    }),
  };
}
