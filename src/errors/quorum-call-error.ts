import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import type { Node } from "../configuration/node.js";

/** What a {@link QuorumCallError} is made of. */
export interface QuorumCallErrorInit {
  readonly code?: Code | undefined;
  readonly reason: QuorumCallReason;
  readonly message: string;
  readonly cause?: unknown;
  readonly nodeErrors: ReadonlyMap<number, QuorateError>;
  readonly unanswered: readonly Node[];
}

/**
 * Why a call to several nodes failed: `INCOMPLETE`, the threshold is out of reach; `SEND_FAILURE`, a one-way call
 * could not be sent to every node; `ENDED`, its deadline passed or its signal ended; `STOPPED`, an earlier terminal
 * had stopped the waiting for the rest.
 */
export type QuorumCallReason = "INCOMPLETE" | "SEND_FAILURE" | "ENDED" | "STOPPED";

/**
 * A call to several nodes that did not reach its threshold. Its code is that of what ended it (DeadlineExceeded,
 * Canceled), else of its first node error (F-12), so that it means the same to the caller of a nested call.
 */
export class QuorumCallError extends QuorateError {
  /** Errors by node id, as far as they were known when the call failed. */
  readonly nodeErrors: ReadonlyMap<number, QuorateError>;
  /** Nodes that had neither replied nor failed. */
  readonly unanswered: readonly Node[];

  constructor({ code, reason, message, cause, nodeErrors, unanswered }: QuorumCallErrorInit) {
    const [first] = nodeErrors.values();
    super(code ?? first?.code ?? Code.Unavailable, `quorate: ${message}${describe(nodeErrors)}`, {
      reason,
      cause,
    });
    this.nodeErrors = nodeErrors;
    this.unanswered = unanswered;
  }

  static {
    Object.defineProperty(QuorumCallError.prototype, "name", {
      value: "QuorumCallError",
      configurable: true,
      writable: true,
    });
  }
}

function describe(nodeErrors: ReadonlyMap<number, QuorateError>): string {
  if (nodeErrors.size === 0) return "";
  const lines = [...nodeErrors].map(([id, error]) => `\tnode ${id}: ${error.message}`);
  return ` (errors: ${nodeErrors.size})\nnode errors:\n${lines.join("\n")}`;
}
