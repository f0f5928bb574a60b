import type { Message, MessageInitShape } from "@bufbuild/protobuf";
import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import type { IncomingRequest, RequestHandler } from "../../internal/stream/request-handler.js";
import type { EventHub } from "../configuration/quorate-event.js";
import { decodeMessage, encodeMessage } from "../service/message-codec.js";
import { handlerContext, type StreamContext } from "./handler-context.js";
import type { Route, Routes } from "./router.js";

/** How handlers are run. */
export interface InvokeOptions {
  readonly routes: Routes;
  readonly events: EventHub;
  /** Whether the texts of errors that carry no status are kept from callers. */
  readonly maskErrors: boolean;
}

/** What runs the requests of one stream: finds the handler, decodes, runs, encodes, and answers. */
export function requestHandler(options: InvokeOptions, stream: StreamContext): RequestHandler {
  return async (request) => {
    const route = options.routes.get(request.method);
    if (route === undefined) {
      // Also to one-way calls, which drop it: without a handler nobody here knows what they are (F-13).
      const message = `no handler registered for method ${request.method}`;
      request.fail(new QuorateError(Code.Unimplemented, message));
      return;
    }
    if (route.oneWay) request.declareOneWay();
    else if (request.unanswerable) return;
    try {
      const result = await route.handle(decode(route, request), handlerContext(request, stream));
      if (!route.oneWay) request.reply(encode(route, result));
    } catch (thrown) {
      const error = QuorateError.from(thrown);
      options.events.emit({ kind: "handlerFailed", method: route.name, error });
      if (!route.oneWay) request.fail(options.maskErrors ? masked(thrown, error) : error);
    }
  };
}

function decode(route: Route, request: IncomingRequest): Message {
  try {
    return decodeMessage(route.method.input, request.payload);
  } catch (error) {
    // Code and text are those of Gorums (F-14).
    const message = `gorums: could not unmarshal request: ${String(error)}`;
    throw new QuorateError(Code.Unknown, message, { reason: "UNDECODABLE_REQUEST", cause: error });
  }
}

function encode(route: Route, result: unknown): Uint8Array {
  const { output } = route.method;
  try {
    // Handlers are typed; one that returns nothing all the same means the empty message (RPC-07).
    return encodeMessage(output, (result ?? {}) as MessageInitShape<typeof output>);
  } catch (error) {
    const message = `quorate: the reply of ${route.name} cannot be encoded: ${String(error)}`;
    throw new QuorateError(Code.Internal, message, { cause: error });
  }
}

/** A QuorateError was thrown for the caller to see; anything else may tell what it should not. */
function masked(thrown: unknown, error: QuorateError): QuorateError {
  return thrown instanceof QuorateError ? thrown : new QuorateError(error.code, "the handler failed");
}
