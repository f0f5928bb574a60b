import type { Message } from "@bufbuild/protobuf";
import type { Metadata, MetadataInit } from "../../internal/wire/metadata.js";
import type { CallType } from "../service/quorate-service.js";
import type { Configuration } from "./configuration.js";
import type { Node } from "./node.js";
import type { NodeResponse } from "./node-response.js";

/** Returned by {@link CallHooks.request}: this node is not asked. */
export const skip: unique symbol = Symbol("quorate.skip");

/** Returned by {@link CallHooks.response}: this response neither counts nor is told of. */
export const drop: unique symbol = Symbol("quorate.drop");

/** A call that is about to be made. */
export interface ClientCall<Request = Message> {
  /** Full name, `package.Service.Method`. */
  readonly method: string;
  readonly callType: CallType;
  /** What the caller asks. Not to be changed in place: see {@link CallHooks.request}. */
  readonly request: Request;
  /** The nodes that are called; of a call to one node, the configuration of that node. */
  readonly configuration: Configuration;
  /** The metadata that the caller, and the interceptors before, gave it. */
  readonly metadata: Metadata;
}

/**
 * What an interceptor does to one call. What looks at responses runs outside of any context session: what it needs of the
 * caller's, it takes along when the call is made.
 */
export interface CallHooks<Request = Message, Reply = Message> {
  /** Joined to the metadata of the call. */
  readonly metadata?: MetadataInit;
  /**
   * The request for one node, made of what the interceptor before made; {@link skip} for a node that is not to be
   * asked. A skipped node never counts as a success and is not waited for (W-05). What it throws is that node's error.
   */
  request?(request: Request, node: Node): Request | typeof skip;
  /**
   * What comes of a node that was asked, once for each reply; also when the call ends without one. Returns what takes
   * its place, {@link drop}, or nothing to leave it. What it throws is that node's error.
   */
  response?(
    response: NodeResponse<Reply>,
    // biome-ignore lint/suspicious/noConfusingVoidType: a hook that only looks has no return statement.
  ): NodeResponse<Reply> | typeof drop | void;
  /**
   * The caller has all that it waits for, or has left its loop, and this node has not answered yet, or not said that it
   * has no more answers; nothing more is told of it. What this throws surfaces as an uncaught error.
   */
  left?(node: Node): void;
}

/**
 * Sees every call before anything of it is sent, and says what to do to it; undefined for nothing. It runs once per
 * call, whose requests go out in program order: it cannot wait. What it throws fails the call.
 *
 * Requests and responses pass the interceptors in the order in which they are registered: those of `connect` or
 * `createServer`, then those of the client, then those of the call.
 */
export type ClientInterceptor<Request = Message, Reply = Message> = (
  call: ClientCall<Request>,
) => CallHooks<Request, Reply> | undefined;

const idleWhile = new WeakMap<ClientInterceptor, () => boolean>();

/** Lets an interceptor of this library say when it has nothing to do with any call, so that it costs none anything. */
export function standAsideWhile(interceptor: ClientInterceptor, isIdle: () => boolean): void {
  idleWhile.set(interceptor, isIdle);
}

/** Whether none of the interceptors has anything to do with a call that is made now. */
export function allStandAside(interceptors: readonly ClientInterceptor[]): boolean {
  for (const one of interceptors) if (idleWhile.get(one)?.() !== true) return false;
  return true;
}
