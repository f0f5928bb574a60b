import type { ClientInterceptor } from "../configuration/client-interceptor.js";
import { NodeSet, peerNodeOf } from "../configuration/node-set.js";
import type { PeerNode } from "../configuration/peer-node.js";
import { type CallType, callTypeOf, type QuorateService } from "../service/quorate-service.js";
import type { OneWayCallOptions, TwoWayCallOptions } from "./call-options.js";
import { type CallTarget, callRpcAt, type RpcTarget } from "./call-target.js";
import { checkInterceptors } from "./check-interceptors.js";
import type { Client } from "./client-types.js";
import { type MethodInfo, methodInfo, type RequestInit } from "./method-info.js";
import { callMulticast, callUnicast } from "./one-way.js";
import type { ClientMethodInit, InterceptedOptions } from "./outgoing-call.js";
import { callQuorum } from "./quorum-call.js";
import { callRpc } from "./rpc.js";
import { callStreamed } from "./streamed-call.js";

/** The options of {@link createClient}. */
export interface ClientOptions {
  /** What sees every call of this client, after the interceptors of its connection. */
  readonly interceptors?: readonly ClientInterceptor[];
}

/**
 * Makes a client of a service: its `rpc` and `unicast` methods on a node, its `multicast`, `quorumCall` and
 * `correctable` methods on a configuration, its `rpc` methods on a client session. Cheap enough to be made anew in every handler.
 *
 * The calls are made in program order: two calls to one node arrive in the order in which they were made.
 *
 * @throws QuorateError InvalidArgument for a target that is none, and interceptors that are no functions
 */
export function createClient<Service extends QuorateService, Target extends CallTarget>(
  service: Service,
  target: Target,
  options: ClientOptions = {},
): Client<Service, Target> {
  const interceptors = checkInterceptors(options.interceptors);
  const { makers, nodes } = callsAt(target);
  const client: Record<string, unknown> = {};
  for (const { name, info } of methodsOf(service)) {
    const make = makers[info.callType];
    if (make === undefined) continue;
    const init: ClientMethodInit = { method: info, nodes, interceptors };
    client[name] = (request: RequestInit, callOptions: AnyCallOptions = {}) =>
      make(init, request, callOptions);
  }
  // The table of the service is checked against its descriptor, and Client is derived from both.
  return client as Client<Service, Target>;
}

interface TargetCalls {
  readonly makers: { readonly [Type in CallType]?: MakeCall };
  readonly nodes: readonly PeerNode[];
}

function callsAt(target: CallTarget): TargetCalls {
  if (target instanceof NodeSet) return { makers: configurationCalls, nodes: target.nodes };
  if (isRpcTarget(target)) return { makers: rpcCallsAt(target), nodes: [] };
  return { makers: nodeCalls, nodes: [peerNodeOf(target)] };
}

function isRpcTarget(target: CallTarget): target is RpcTarget {
  return typeof target === "object" && target !== null && callRpcAt in target;
}

function rpcCallsAt(target: RpcTarget): TargetCalls["makers"] {
  return {
    rpc: ({ method, interceptors }, request, options) =>
      target[callRpcAt]({ method, interceptors, request, options }),
  };
}

type AnyCallOptions = TwoWayCallOptions & OneWayCallOptions & InterceptedOptions;
type MakeCall = (init: ClientMethodInit, request: RequestInit, options: AnyCallOptions) => unknown;

const nodeCalls: { readonly [Type in CallType]?: MakeCall } = { rpc: callRpc, unicast: callUnicast };
const configurationCalls: { readonly [Type in CallType]?: MakeCall } = {
  multicast: callMulticast,
  quorumCall: callQuorum,
  correctable: callStreamed,
};

interface ServiceMethod {
  readonly name: string;
  readonly info: MethodInfo;
}

const known = new WeakMap<QuorateService, readonly ServiceMethod[]>();

function methodsOf(service: QuorateService): readonly ServiceMethod[] {
  let methods = known.get(service);
  if (methods === undefined) {
    methods = service.descriptor.methods.flatMap((method) => {
      const type = callTypeOf(service, method);
      return type === undefined ? [] : [{ name: method.localName, info: methodInfo(method, type) }];
    });
    known.set(service, methods);
  }
  return methods;
}
