import type { QuorateError } from "../../internal/errors/quorate-error.js";
import type { PeerNode } from "../configuration/peer-node.js";
import { QuorumCallError } from "../errors/quorum-call-error.js";
import type { OneWayCallOptions } from "./call-options.js";
import type { RequestInit } from "./method-info.js";
import { callNodes, type NodeCalls, type NodeCallsListener } from "./node-calls.js";
import type { ClientMethodInit, InterceptedOptions } from "./outgoing-call.js";

/** The options of a one-way call with its interceptors. */
export type InterceptedOneWayOptions = OneWayCallOptions & InterceptedOptions;

/** Sends to one node; resolves once the transport has taken the message, without waiting for the handler. */
export function callUnicast(
  init: ClientMethodInit,
  request: RequestInit,
  options: InterceptedOneWayOptions,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const [node] = init.nodes;
    const calls = start(init, request, options, resolve, {
      responded: (response) => {
        if (response.ok) resolve();
        else reject(response.error);
      },
      closed: () => resolve(),
      ended: (error) => reject((node && calls.interceptEnd(node, error)) ?? error),
    });
  });
}

/**
 * Sends to every node; resolves once the transport has taken all. If some cannot be sent, the others are: rejects
 * with a QuorumCallError, `SEND_FAILURE`, once all are settled.
 */
export function callMulticast(
  init: ClientMethodInit,
  request: RequestInit,
  options: InterceptedOneWayOptions,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const nodeErrors = new Map<number, QuorateError>();
    const open = new Set(init.nodes);
    const settled = (node: PeerNode) => {
      open.delete(node);
      if (open.size > 0) return;
      if (nodeErrors.size === 0) resolve();
      else reject(sendFailure(init, nodeErrors));
    };
    const calls = start(init, request, options, resolve, {
      responded: (response) => {
        if (!response.ok) nodeErrors.set(response.node.id, response.error);
        settled(response.node);
      },
      closed: settled,
      ended: (error) => {
        for (const node of open) calls.interceptEnd(node, error);
        reject(error);
      },
    });
    if (init.nodes.length === 0) resolve();
  });
}

function start(
  init: ClientMethodInit,
  request: RequestInit,
  options: InterceptedOneWayOptions,
  resolve: () => void,
  listener: NodeCallsListener,
): NodeCalls {
  const calls = callNodes({ ...init, request, options, replies: "none" }, listener);
  if (options.ignoreErrors === true) {
    calls.stop();
    resolve();
  }
  return calls;
}

function sendFailure(
  { method, nodes }: ClientMethodInit,
  nodeErrors: ReadonlyMap<number, QuorateError>,
): QuorumCallError {
  return new QuorumCallError({
    reason: "SEND_FAILURE",
    message: `send failure: ${method.name} was not sent to ${nodeErrors.size} of ${nodes.length} nodes`,
    nodeErrors,
    unanswered: [],
  });
}
