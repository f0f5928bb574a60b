import type { Message } from "@bufbuild/protobuf";
import type { ClientInterceptor } from "../configuration/client-interceptor.js";
import type { Configuration } from "../configuration/configuration.js";
import type { Node } from "../configuration/node.js";
import type { TwoWayCallOptions } from "./call-options.js";
import type { MethodInfo, RequestInit } from "./method-info.js";

/** What can be called: one node, a configuration of any number, or something else that makes `rpc` calls. */
export type CallTarget = Node | Configuration | RpcTarget;

/** The member by which an {@link RpcTarget} is known. */
export const callRpcAt: unique symbol = Symbol("quorate.callRpcAt");

/** Something that makes `rpc` calls in its own way, such as a client session. None can be made outside of this library. */
export interface RpcTarget {
  readonly [callRpcAt]: (call: TargetedCall) => Promise<Message>;
}

/** One call of an `rpc` method at an {@link RpcTarget}. */
export interface TargetedCall {
  readonly method: MethodInfo;
  readonly request: RequestInit;
  readonly options: TwoWayCallOptions & { readonly interceptors?: readonly ClientInterceptor[] };
  /** Those of the client; not those of the call, nor those of the connection. */
  readonly interceptors: readonly ClientInterceptor[];
}
