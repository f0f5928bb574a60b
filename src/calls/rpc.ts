import type { Message } from "@bufbuild/protobuf";
import { errorFromStatus } from "../../internal/wire/status.js";
import type { PeerNode } from "../configuration/node.js";
import type { TwoWayCallOptions } from "./call-options.js";
import type { MethodInfo, RequestInit } from "./method-info.js";
import { callNodes } from "./node-calls.js";

/** Calls one node and resolves with its reply; rejects with a QuorateError. */
export function callRpc(
  method: MethodInfo,
  node: PeerNode,
  request: RequestInit,
  options: TwoWayCallOptions,
): Promise<Message> {
  return new Promise((resolve, reject) => {
    const { name, idempotent } = method;
    const init = { method: name, payload: method.encode(request), nodes: [node], options, idempotent };
    callNodes(
      { ...init, replies: "one" },
      {
        replied: (_, { status, payload }) => {
          const error = errorFromStatus(status);
          if (error !== undefined) reject(error);
          else resolveDecoded(method, payload, resolve, reject);
        },
        written: () => {},
        failed: (_, error) => reject(error),
        ended: reject,
      },
    );
  });
}

function resolveDecoded(
  method: MethodInfo,
  payload: Uint8Array,
  resolve: (reply: Message) => void,
  reject: (error: unknown) => void,
): void {
  try {
    resolve(method.decode(payload));
  } catch (error) {
    reject(error);
  }
}
