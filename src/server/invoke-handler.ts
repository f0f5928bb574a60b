import type { Message, MessageInitShape } from "@bufbuild/protobuf";
import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import type { IncomingRequest, RequestHandler } from "../../internal/stream/request-handler.js";
import type { EventHub } from "../configuration/quorate-event.js";
import { decodeMessage, encodeMessage } from "../service/message-codec.js";
import { handlerContext, type StreamContext } from "./handler-context.js";
import type { Route, Routes } from "./router.js";
import { type RunHandler, type ServerInterceptor, withInterceptors } from "./server-interceptor.js";

/** How handlers are run. */
export interface InvokeOptions {
  readonly routes: Routes;
  readonly interceptors: readonly ServerInterceptor[];
  readonly events: EventHub;
  /** Whether the texts of errors that carry no status are kept from callers. */
  readonly maskErrors: boolean;
}

/** Finds the handler of a request, decodes, runs, encodes, and answers. */
export type Invoke = (request: IncomingRequest, stream: StreamContext) => Promise<void>;

/** What runs the requests of one stream. */
export function requestHandler(invoke: Invoke, stream: StreamContext): RequestHandler {
  return (request) => invoke(request, stream);
}

/** Makes what runs the requests of all streams of a server or a client. */
export function invoker({ routes, interceptors, events, maskErrors }: InvokeOptions): Invoke {
  const handlers = new Map<Route, RunHandler>();
  for (const route of routes.values()) handlers.set(route, withInterceptors(route, interceptors));
  return async (request, stream) => {
    const route = routes.get(request.method);
    const run = route && handlers.get(route);
    if (route === undefined || run === undefined) {
      // Also to one-way calls, which drop it: without a handler nobody here knows what they are (F-13).
      const message = `no handler registered for method ${request.method}`;
      request.fail(new QuorateError(Code.Unimplemented, message));
      return;
    }
    if (route.oneWay) request.declareOneWay();
    else if (request.unanswerable) return;
    try {
      const result = await run(decode(route, request), handlerContext(request, stream));
      if (route.callType === "correctable") await replyAll(route, request, result);
      else if (!route.oneWay) request.reply(encode(route, result));
    } catch (thrown) {
      const error = QuorateError.from(thrown);
      events.emit({ kind: "handlerFailed", method: route.name, error });
      if (!route.oneWay) request.fail(maskErrors ? masked(thrown, error) : error);
    }
  };
}

/** Sends each reply as the stream takes it, and leaves the handler when nobody wants more. */
async function replyAll(route: Route, request: IncomingRequest, results: unknown): Promise<void> {
  if (!isIterable(results)) {
    const message = `quorate: the handler of ${route.name} has returned nothing to iterate; make it an async generator`;
    throw new QuorateError(Code.Internal, message);
  }
  for await (const result of results) if (!(await request.replyNext(encode(route, result)))) return;
  request.endReplies();
}

function isIterable(results: unknown): results is AsyncIterable<unknown> | Iterable<unknown> {
  return (
    typeof results === "object" &&
    results !== null &&
    (Symbol.asyncIterator in results || Symbol.iterator in results)
  );
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
