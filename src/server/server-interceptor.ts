import { create, type Message, type MessageInitShape } from "@bufbuild/protobuf";
import type { CallType } from "../service/quorate-service.js";
import type { HandlerContext } from "./handler-context.js";
import type { Route } from "./router.js";

/** A request on its way to its handler. */
export interface HandlerCall {
  /** Full name, `package.Service.Method`. */
  readonly method: string;
  readonly callType: CallType;
  /** Decoded; `isMessage(call.request, schema)` of protobuf-es tells its type. May be changed in place. */
  readonly request: Message;
  readonly context: HandlerContext;
}

/** What a handler answers: a message, any number of messages of a `correctable` method, nothing of a one-way method. */
export type HandlerReply = Message | AsyncIterable<Message> | undefined;

/** Runs the rest: the interceptors that follow, then the handler. Rejects with what they throw. */
export type NextHandler = (call: HandlerCall) => Promise<HandlerReply>;

/**
 * Stands around every handler. Calls `next` with the call, or with another request in it, and returns what it
 * resolved with, changed or not; or answers itself, or throws to refuse. The first one registered is the outermost.
 *
 * The place of the request in the order of its stream is held from the first interceptor on.
 */
export type ServerInterceptor = (
  call: HandlerCall,
  next: NextHandler,
) => HandlerReply | Promise<HandlerReply>;

/** What runs a request: its handler within the interceptors. Returns what the handler or an interceptor returned. */
export type RunHandler = (request: Message, context: HandlerContext) => unknown;

/** Puts the interceptors around a handler. */
export function withInterceptors(route: Route, interceptors: readonly ServerInterceptor[]): RunHandler {
  if (interceptors.length === 0) return route.handle;
  const run = interceptors.reduceRight<NextHandler>(
    (next, interceptor) => async (call) => interceptor(call, next),
    async ({ request, context }) => replyOf(route, await route.handle(request, context)),
  );
  return (request, context) => run({ method: route.name, callType: route.callType, request, context });
}

/** Interceptors see whole messages, whatever a handler returned. */
function replyOf(route: Route, result: unknown): HandlerReply {
  if (route.oneWay) return undefined;
  const { output } = route.method;
  const whole = (init: unknown) => create(output, (init ?? {}) as MessageInitShape<typeof output>);
  if (route.callType !== "correctable") return whole(result);
  return mapped(result as AsyncIterable<unknown> | Iterable<unknown>, whole);
}

async function* mapped(
  results: AsyncIterable<unknown> | Iterable<unknown>,
  map: (result: unknown) => Message,
): AsyncGenerator<Message> {
  for await (const result of results) yield map(result);
}
