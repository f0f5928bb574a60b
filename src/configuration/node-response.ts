import type { QuorateError } from "../../internal/errors/quorate-error.js";
import type { Node } from "./node.js";

/** What came of one node: its reply, or why there is none. A one-way call has no value. */
export type NodeResponse<Reply> =
  | { readonly ok: true; readonly node: Node; readonly value: Reply }
  | { readonly ok: false; readonly node: Node; readonly error: QuorateError };
