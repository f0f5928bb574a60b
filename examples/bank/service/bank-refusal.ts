import { Code, QuorateError } from "quorate";

/** Why the bank refuses. */
export type RefusalReason =
  | "INVALID_REQUEST"
  | "ACCOUNT_EXISTS"
  | "NO_ACCOUNT"
  | "NOT_YOUR_ACCOUNT"
  | "INSUFFICIENT_FUNDS"
  | "BANK_FULL";

const codes: { readonly [Reason in RefusalReason]: Code } = {
  INVALID_REQUEST: Code.InvalidArgument,
  ACCOUNT_EXISTS: Code.AlreadyExists,
  NO_ACCOUNT: Code.NotFound,
  NOT_YOUR_ACCOUNT: Code.PermissionDenied,
  INSUFFICIENT_FUNDS: Code.FailedPrecondition,
  BANK_FULL: Code.ResourceExhausted,
};

/** The error that the bank throws. It is a reply like any other: kept, and given again to who asks again. */
export function bankRefusal(reason: RefusalReason, text: string): QuorateError {
  return new QuorateError(codes[reason], `bank: ${text}`, { reason });
}

/** The reason of an error that the bank threw; undefined for any other. */
export function refusalReason(error: unknown): RefusalReason | undefined {
  if (!(error instanceof QuorateError) || error.reason === undefined) return undefined;
  return isRefusalReason(error.reason) ? error.reason : undefined;
}

function isRefusalReason(reason: string): reason is RefusalReason {
  return Object.hasOwn(codes, reason);
}
