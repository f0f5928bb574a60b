import type { DescMethod, DescService, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { ClientInterceptor } from "../configuration/client-interceptor.js";
import type { Configuration } from "../configuration/configuration.js";
import type { Node } from "../configuration/node.js";
import type { CallType, CallTypes, QuorateService } from "../service/quorate-service.js";
import type { CallOptions, OneWayCallOptions, TwoWayCallOptions } from "./call-options.js";
import type { CallTarget, RpcTarget } from "./call-target.js";
import type { Responses, StreamedResponses } from "./responses.js";

/** The methods of a service that can be called at this kind of target. */
export type Client<Service extends QuorateService, Target extends CallTarget> =
  Service extends QuorateService<infer Desc, infer Types>
    ? {
        readonly [Name in keyof Types as FittingName<
          Desc,
          Types,
          Name,
          Target
        >]: Name extends keyof Desc["method"] ? ClientMethod<Types[Name], Desc["method"][Name]> : never;
      }
    : never;

/** The call types that fit a target. */
export type CallTypesOf<Target extends CallTarget> = Target extends Configuration
  ? "multicast" | "quorumCall" | "correctable"
  : Target extends Node
    ? "rpc" | "unicast"
    : Target extends RpcTarget
      ? "rpc"
      : never;

type FittingName<
  Desc extends DescService,
  Types extends CallTypes<Desc>,
  Name extends keyof Types,
  Target extends CallTarget,
> = Types[Name] extends CallTypesOf<Target> ? Name : never;

type ClientMethod<Type extends CallType, Method extends DescMethod> = Type extends "rpc"
  ? (
      request: MessageInitShape<Method["input"]>,
      options?: TwoWayCallOptions & Intercepted<Method>,
    ) => Promise<MessageShape<Method["output"]>>
  : Type extends "quorumCall"
    ? (
        request: MessageInitShape<Method["input"]>,
        options?: TwoWayCallOptions & Intercepted<Method>,
      ) => Responses<MessageShape<Method["output"]>>
    : Type extends "correctable"
      ? (
          request: MessageInitShape<Method["input"]>,
          options?: CallOptions & Intercepted<Method>,
        ) => StreamedResponses<MessageShape<Method["output"]>>
      : (
          request: MessageInitShape<Method["input"]>,
          options?: OneWayCallOptions & Intercepted<Method, undefined>,
        ) => Promise<void>;

interface Intercepted<Method extends DescMethod, Reply = MessageShape<Method["output"]>> {
  /** What sees this call, after the interceptors of its connection and of its client. */
  readonly interceptors?: readonly ClientInterceptor<MessageShape<Method["input"]>, Reply>[];
}
