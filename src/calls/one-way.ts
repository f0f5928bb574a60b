import type { QuorateError } from "../../internal/errors/quorate-error.js";
import type { PeerNode } from "../configuration/node.js";
import { QuorumCallError } from "../errors/quorum-call-error.js";
import type { OneWayCallOptions } from "./call-options.js";
import type { MethodInfo, RequestInit } from "./method-info.js";
import { callNodes, type NodeCallsListener } from "./node-calls.js";

/** Sends to one node; resolves once the transport has taken the message, without waiting for the handler. */
export function callUnicast(
  method: MethodInfo,
  node: PeerNode,
  request: RequestInit,
  options: OneWayCallOptions,
): Promise<void> {
  return new Promise((resolve, reject) => {
    start(method, [node], request, options, resolve, {
      written: () => resolve(),
      failed: (_, error) => reject(error),
      ended: reject,
    });
  });
}

/**
 * Sends to every node; resolves once the transport has taken all. If some cannot be sent, the others are: rejects
 * with a QuorumCallError, `SEND_FAILURE`, once all are settled.
 */
export function callMulticast(
  method: MethodInfo,
  nodes: readonly PeerNode[],
  request: RequestInit,
  options: OneWayCallOptions,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const nodeErrors = new Map<number, QuorateError>();
    let open = nodes.length;
    const settled = () => {
      open -= 1;
      if (open > 0) return;
      if (nodeErrors.size === 0) resolve();
      else reject(sendFailure(method.name, nodes, nodeErrors));
    };
    start(method, nodes, request, options, resolve, {
      written: settled,
      failed: (node, error) => {
        nodeErrors.set(node.id, error);
        settled();
      },
      ended: reject,
    });
    if (nodes.length === 0) resolve();
  });
}

function start(
  method: MethodInfo,
  nodes: readonly PeerNode[],
  request: RequestInit,
  options: OneWayCallOptions,
  resolve: () => void,
  listener: Omit<NodeCallsListener, "replied">,
): void {
  const { name } = method;
  const init = { method: name, payload: method.encode(request), nodes, options, idempotent: false };
  const calls = callNodes({ ...init, replies: "none" }, { ...listener, replied: () => {} });
  if (options.ignoreErrors !== true) return;
  calls.stop();
  resolve();
}

function sendFailure(
  method: string,
  nodes: readonly PeerNode[],
  nodeErrors: ReadonlyMap<number, QuorateError>,
): QuorumCallError {
  return new QuorumCallError({
    reason: "SEND_FAILURE",
    message: `send failure: ${method} was not sent to ${nodeErrors.size} of ${nodes.length} nodes`,
    nodeErrors,
    unanswered: [],
  });
}
