import { NodeSet, peerNodeOf } from "../configuration/configuration.js";
import { type CallType, callTypeOf, type QuorateService } from "../service/quorate-service.js";
import type { OneWayCallOptions, TwoWayCallOptions } from "./call-options.js";
import type { CallTarget } from "./call-target.js";
import type { Client } from "./client-types.js";
import { type MethodInfo, methodInfo, type RequestInit } from "./method-info.js";
import { callMulticast, callUnicast } from "./one-way.js";
import { callQuorum } from "./quorum-call.js";
import { callRpc } from "./rpc.js";

/**
 * Makes a client of a service: its `rpc` and `unicast` methods on a node, its `multicast` and `quorumCall` methods
 * on a configuration. Cheap enough to be made anew in every handler.
 *
 * The calls are made in program order: two calls to one node arrive in the order in which they were made.
 */
export function createClient<Service extends QuorateService, Target extends CallTarget>(
  service: Service,
  target: Target,
): Client<Service, Target> {
  const client: Record<string, unknown> = {};
  const call = target instanceof NodeSet ? configurationCalls(target) : nodeCalls(target);
  for (const { name, type, info } of methodsOf(service)) {
    const method = call(type, info);
    if (method !== undefined) client[name] = method;
  }
  // The table of the service is checked against its descriptor, and Client is derived from both.
  return client as Client<Service, Target>;
}

type MakeMethod = (
  type: CallType,
  method: MethodInfo,
) => ((request: RequestInit, options?: TwoWayCallOptions & OneWayCallOptions) => unknown) | undefined;

function nodeCalls(target: CallTarget): MakeMethod {
  const node = peerNodeOf(target);
  return (type, method) => {
    if (type === "rpc") return (request, options = {}) => callRpc(method, node, request, options);
    if (type === "unicast") return (request, options = {}) => callUnicast(method, node, request, options);
    return undefined;
  };
}

function configurationCalls({ nodes }: NodeSet): MakeMethod {
  return (type, method) => {
    if (type === "multicast")
      return (request, options = {}) => callMulticast(method, nodes, request, options);
    if (type === "quorumCall") return (request, options = {}) => callQuorum(method, nodes, request, options);
    return undefined;
  };
}

interface ServiceMethod {
  readonly name: string;
  readonly type: CallType;
  readonly info: MethodInfo;
}

const known = new WeakMap<QuorateService, readonly ServiceMethod[]>();

function methodsOf(service: QuorateService): readonly ServiceMethod[] {
  let methods = known.get(service);
  if (methods === undefined) {
    methods = service.descriptor.methods.flatMap((method) => {
      const type = callTypeOf(service, method);
      return type === undefined ? [] : [{ name: method.localName, type, info: methodInfo(method) }];
    });
    known.set(service, methods);
  }
  return methods;
}
