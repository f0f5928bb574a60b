import type { Message } from "@bufbuild/protobuf";
import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import type { TwoWayCallOptions } from "./call-options.js";
import type { RequestInit } from "./method-info.js";
import { callNodes } from "./node-calls.js";
import type { ClientMethodInit, InterceptedOptions } from "./outgoing-call.js";

/** Calls one node and resolves with its reply; rejects with a QuorateError. */
export function callRpc(
  init: ClientMethodInit,
  request: RequestInit,
  options: TwoWayCallOptions & InterceptedOptions,
): Promise<Message> {
  return new Promise((resolve, reject) => {
    const [node] = init.nodes;
    const calls = callNodes(
      { ...init, request, options, replies: "one" },
      {
        responded: (response) => {
          if (!response.ok) reject(response.error);
          else if (response.value !== undefined) resolve(response.value);
        },
        closed: () => reject(nobodyAsked(init.method.name, String(node))),
        ended: (error) => reject((node && calls.interceptEnd(node, error)) ?? error),
      },
    );
  });
}

function nobodyAsked(method: string, node: string): QuorateError {
  const message = `quorate: an interceptor skipped ${node}, or dropped its reply to ${method}`;
  return new QuorateError(Code.FailedPrecondition, message, { reason: "SKIPPED" });
}
