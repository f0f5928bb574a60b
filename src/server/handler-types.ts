import type { DescMethod, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { CallType, QuorateService } from "../service/quorate-service.js";
import type { HandlerContext } from "./handler-context.js";

/** The handlers of a service: one for each of its methods. */
export type Handlers<Service extends QuorateService> =
  Service extends QuorateService<infer Desc, infer Types>
    ? {
        readonly [Name in keyof Types]: Name extends keyof Desc["method"]
          ? Handler<Types[Name], Desc["method"][Name]>
          : never;
      }
    : never;

/**
 * Runs a method. What a two-way handler returns is the reply; a `correctable` handler is an async generator, or returns
 * anything else to iterate, each value of which is a reply; what a one-way handler returns is not looked at, but a
 * promise is awaited. What it throws is answered: see QuorateError.from.
 */
export type Handler<Type extends CallType, Method extends DescMethod> = (
  request: MessageShape<Method["input"]>,
  context: HandlerContext,
) => Type extends "unicast" | "multicast"
  ? unknown
  : Type extends "correctable"
    ? Replies<MessageInitShape<Method["output"]>> | Promise<Replies<MessageInitShape<Method["output"]>>>
    : MessageInitShape<Method["output"]> | Promise<MessageInitShape<Method["output"]>>;

type Replies<Reply> = AsyncIterable<Reply> | Iterable<Reply>;
