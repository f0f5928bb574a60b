import type { Message } from "@bufbuild/protobuf";
import { invalidArgument, QuorateError } from "../../internal/errors/quorate-error.js";
import { outsideScopes } from "../../internal/util/async-scope.js";
import { Metadata } from "../../internal/wire/metadata.js";
import {
  allStandAside,
  type CallHooks,
  type ClientInterceptor,
  drop,
  skip,
} from "../configuration/client-interceptor.js";
import type { NodeResponse } from "../configuration/node-response.js";
import { NodeSet } from "../configuration/node-set.js";
import type { PeerNode } from "../configuration/peer-node.js";
import type { CallOptions } from "./call-options.js";
import { checkInterceptors } from "./check-interceptors.js";
import type { MethodInfo, RequestInit } from "./method-info.js";

/** What a client makes a call with: its method, its target, and its own interceptors. */
export interface ClientMethodInit {
  readonly method: MethodInfo;
  readonly nodes: readonly PeerNode[];
  readonly interceptors: readonly ClientInterceptor[];
}

/** The options of a call with its interceptors, whose types the client's types have checked. */
export interface InterceptedOptions extends CallOptions {
  readonly interceptors?: readonly ClientInterceptor[];
}

/** The response of one node, of a two-way or of a one-way call. */
export type PeerResponse = NodeResponse<Message | undefined> & { readonly node: PeerNode };

/** A call whose interceptors have said what they do to it. */
export interface OutgoingCall {
  readonly metadata: Metadata;
  /** Whether all nodes are asked the same. */
  readonly shared: boolean;
  /**
   * The encoded request for a node; the same bytes for every node that is asked the same.
   * @throws what an interceptor throws; QuorateError InvalidArgument for a request that cannot be encoded.
   */
  payloadFor(node: PeerNode): Uint8Array | typeof skip;
  /** What the interceptors make of a response. */
  intercept(response: PeerResponse): PeerResponse | typeof drop;
  /** The caller waits no longer for this node. */
  left(node: PeerNode): void;
}

/**
 * Runs the interceptors of a call.
 * @throws what an interceptor throws; QuorateError InvalidArgument for a request that cannot be encoded.
 */
export function outgoingCall(
  { method, nodes, interceptors }: ClientMethodInit,
  request: RequestInit,
  options: InterceptedOptions,
): OutgoingCall {
  const common = nodes[0]?.settings.interceptors ?? [];
  const own = checkInterceptors(options.interceptors);
  if (allStandAside(common) && allStandAside(interceptors) && allStandAside(own)) {
    return plainCall(method, request, options);
  }
  return interceptedCall([...common, ...interceptors, ...own], method, nodes, request, options);
}

function plainCall(method: MethodInfo, request: RequestInit, options: CallOptions): OutgoingCall {
  const payload = method.encode(request);
  return {
    metadata: Metadata.from(options.metadata),
    shared: true,
    payloadFor: () => payload,
    intercept: (response) => response,
    left: () => {},
  };
}

function interceptedCall(
  interceptors: readonly ClientInterceptor[],
  method: MethodInfo,
  nodes: readonly PeerNode[],
  init: RequestInit,
  options: CallOptions,
): OutgoingCall {
  const request = method.create(init);
  const configuration = new NodeSet(nodes);
  let metadata = Metadata.from(options.metadata);
  const requestHooks: CallHooks[] = [];
  const responseHooks: CallHooks[] = [];
  const leftHooks: CallHooks[] = [];
  for (const interceptor of interceptors) {
    const hooks = interceptor({
      method: method.name,
      callType: method.callType,
      request,
      configuration,
      metadata,
    });
    if (hooks === undefined) continue;
    metadata = metadata.join(hooks.metadata);
    if (hooks.request !== undefined) requestHooks.push(hooks);
    if (hooks.response !== undefined) responseHooks.push(hooks);
    if (hooks.left !== undefined) leftHooks.push(hooks);
  }
  let shared: Uint8Array | undefined;
  return {
    metadata,
    shared: requestHooks.length === 0,
    payloadFor: (node) => {
      const mapped = mapRequests(requestHooks, request, node);
      if (mapped === skip) return skip;
      if (mapped !== request) return method.encode(mapped);
      shared ??= method.encode(request);
      return shared;
    },
    intercept: (response) => {
      if (responseHooks.length === 0) return response;
      return outsideScopes(mapResponses, responseHooks, response, method);
    },
    left: (node) => {
      for (const hook of leftHooks) outsideScopes(tellLeft, hook, node);
    },
  };
}

function mapRequests(hooks: readonly CallHooks[], request: Message, node: PeerNode): Message | typeof skip {
  let mapped: Message | typeof skip = request;
  for (const hook of hooks) {
    // A map that returns nothing has nothing to send.
    mapped = hook.request?.(mapped, node) ?? skip;
    if (mapped === skip) break;
  }
  return mapped;
}

function mapResponses(
  hooks: readonly CallHooks[],
  response: PeerResponse,
  method: MethodInfo,
): PeerResponse | typeof drop {
  const { node } = response;
  let mapped = response as NodeResponse<Message>;
  for (const hook of hooks) {
    try {
      const next = hook.response?.(mapped) ?? mapped;
      if (next === drop) return drop;
      if (!isResponse(next, method)) {
        throw invalidArgument(`an interceptor made of a response to ${method.name} what is none`);
      }
      mapped = next;
    } catch (thrown) {
      mapped = { ok: false, node, error: QuorateError.from(thrown) };
    }
  }
  // A hook may have taken the response of another node; whose it is does not change.
  return { ...mapped, node };
}

function tellLeft(hook: CallHooks, node: PeerNode): void {
  try {
    hook.left?.(node);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

/** Hooks are typed; what is no response all the same must neither count nor leave the call without an end (W-17). */
function isResponse(value: unknown, { callType }: MethodInfo): value is NodeResponse<Message> {
  if (typeof value !== "object" || value === null || !("ok" in value)) return false;
  if (value.ok === false) return "error" in value && value.error instanceof QuorateError;
  const oneWay = callType === "unicast" || callType === "multicast";
  return value.ok === true && (oneWay || ("value" in value && value.value !== undefined));
}
