import type { Message } from "@bufbuild/protobuf";
import type { IncomingRequest } from "../../../internal/stream/request-handler.js";
import { type HandlerContext, handlerContext, type StreamContext } from "../../server/handler-context.js";
import {
  type RunHandler,
  type ServerInterceptor,
  withInterceptors,
} from "../../server/server-interceptor.js";
import { withoutStamps } from "../stamp.js";
import type { SessionMethod } from "./session-methods.js";

/** Puts the interceptors of the server around what is done for a request of this method. */
export function intercepted(
  { name, method }: SessionMethod,
  interceptors: readonly ServerInterceptor[],
  handle: (request: Message, context: HandlerContext) => unknown,
): RunHandler {
  const route = { name, method, callType: "rpc", oneWay: false } as const;
  const typed = (request: unknown, context: HandlerContext) => handle(request as Message, context);
  return withInterceptors({ ...route, handle: typed }, interceptors);
}

/** The context of a request, without its stamp. */
export function sessionContext(request: IncomingRequest, stream: StreamContext): HandlerContext {
  const context = handlerContext(request, stream);
  const metadata = withoutStamps(context.metadata);
  return Object.defineProperty(context, "metadata", { value: metadata, enumerable: true });
}
