import type { DescMethod, DescService, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { CallType, CallTypes, QuorateService } from "../service/quorate-service.js";
import type { HandlerContext } from "./handler-context.js";

/** The handlers of a service: one for each of its methods. */
export type Handlers<Service extends QuorateService> =
  Service extends QuorateService<infer Desc, infer Types>
    ? {
        readonly [Name in keyof Types as ServedName<Desc, Types, Name>]: Name extends keyof Desc["method"]
          ? Handler<Types[Name], Desc["method"][Name]>
          : never;
      }
    : never;

type ServedName<
  Desc extends DescService,
  Types extends CallTypes<Desc>,
  Name extends keyof Types,
> = Types[Name] extends "correctable" ? never : Name;

/**
 * Runs a method. What a two-way handler returns is the reply; what a one-way handler returns is not looked at, but a
 * promise is awaited. What it throws is answered: see QuorateError.from.
 */
export type Handler<Type extends CallType, Method extends DescMethod> = (
  request: MessageShape<Method["input"]>,
  context: HandlerContext,
) => Type extends "unicast" | "multicast"
  ? unknown
  : MessageInitShape<Method["output"]> | Promise<MessageInitShape<Method["output"]>>;
