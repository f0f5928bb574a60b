import type { Message } from "@bufbuild/protobuf";
import { invalidArgument } from "../../internal/errors/quorate-error.js";
import { type CallHooks, type ClientCall, standAsideWhile } from "../configuration/client-interceptor.js";
import { CallOutcomes } from "./call-outcomes.js";
import { OpenContextSession } from "./open-context-session.js";

/** The options of {@link trackPeers}. */
export interface TrackPeersOptions {
  /** Whether a reply was of use; default: every reply is. What it throws is the error of that node. */
  readonly isUseful?: (reply: Message, call: ClientCall) => boolean;
}

/** An interceptor for calls of any method. */
export type PeerTracking = <Request extends Message, Reply extends Message | undefined>(
  call: ClientCall<Request>,
) => CallHooks<Request, Reply> | undefined;

/**
 * Makes an interceptor that lets context sessions learn from calls: what came of each node, and when. It
 * belongs behind those that judge replies, whose verdict counts then, and in front of those that change them. A call that
 * meets two of them is counted once, by the first. Outside of context sessions it does nothing.
 *
 * A call that the caller has canceled says nothing of a node but that it took so long at least. What comes after the end
 * of the session is not counted.
 *
 * @throws QuorateError InvalidArgument if `isUseful` is no function
 */
export function trackPeers({ isUseful }: TrackPeersOptions = {}): PeerTracking {
  if (isUseful !== undefined && typeof isUseful !== "function") {
    throw invalidArgument("isUseful must be a function of a reply and its call");
  }
  const interceptor: PeerTracking = (call) => {
    const session = OpenContextSession.current();
    // Each call has a configuration object of its own, and its interceptors are asked one after the other.
    if (session === undefined || session.lastTracked === call.configuration) return undefined;
    session.lastTracked = call.configuration;
    return new CallOutcomes(session, call, isUseful);
  };
  standAsideWhile(interceptor, () => OpenContextSession.current() === undefined);
  return interceptor;
}
