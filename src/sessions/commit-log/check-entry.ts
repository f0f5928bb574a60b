import { Code } from "../../../internal/errors/code.js";
import { invalidArgument, QuorateError } from "../../../internal/errors/quorate-error.js";

/** Throws if a log with this bound cannot take these bytes as `what`: an entry, a genesis. ResourceExhausted, `ENTRY_TOO_LARGE`. */
export function checkEntry(bytes: Uint8Array, maxEntryBytes: number, what = "entry"): void {
  if (bytes.byteLength <= maxEntryBytes) return;
  throw new QuorateError(
    Code.ResourceExhausted,
    `quorate: the ${what} has ${bytes.byteLength} bytes; maxEntryBytes is ${maxEntryBytes}`,
    { reason: "ENTRY_TOO_LARGE" },
  );
}

/** The error of an append before the first `genesis`. FailedPrecondition, `NO_GENESIS`. */
export function noGenesis(): QuorateError {
  return new QuorateError(Code.FailedPrecondition, "quorate: genesis() comes before the first append()", {
    reason: "NO_GENESIS",
  });
}

/** Throws InvalidArgument unless a snapshot may stand at `op` in a log that ends at `tail`. */
export function checkSnapshotOp(op: number, tail: number): void {
  if (Number.isSafeInteger(op) && op > 0 && op <= tail) return;
  throw invalidArgument(`a snapshot stands at a position of the log, up to ${tail}: op is ${op}`);
}
