import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import type { Outcome } from "./history.js";
import type { RegisterInput, RegisterOutput } from "./register-model.js";

/** An error that no caller should see. */
export interface Unexpected {
  readonly kind: "unexpected";
  readonly error: QuorateError;
}

/**
 * What a call says about its operation when it is over.
 *
 * @param isRecovered whether it is one of a restored session
 */
export async function outcomeOf(
  input: RegisterInput,
  answer: Promise<{ readonly value?: string }>,
  isRecovered: boolean,
): Promise<Outcome | Unexpected> {
  try {
    const { value } = await answer;
    return { kind: "answered", output: outputOf(input, value) };
  } catch (thrown) {
    return outcomeOfError(QuorateError.from(thrown), isRecovered);
  }
}

function outputOf(input: RegisterInput, value: string | undefined): RegisterOutput {
  if (input.kind === "write" || value === undefined) return {};
  return input.kind === "compareAndSet" ? { value, swapped: true } : { value };
}

function outcomeOfError(error: QuorateError, isRecovered: boolean): Outcome | Unexpected {
  switch (error.reason) {
    case "NOT_EXPECTED":
      return { kind: "answered", output: { swapped: false } };
    case "NO_SESSION":
      return { kind: "neverApplied" };
    case "ALREADY_ANSWERED":
      // Who has restored a session may have said that it has the reply. Who makes the call has not.
      return isRecovered ? { kind: "applied" } : { kind: "unexpected", error };
    case "OUTCOME_UNKNOWN":
      return { kind: "unknown" };
    default: {
      const isAbandoned = error.code === Code.DeadlineExceeded || error.code === Code.Canceled;
      return isAbandoned ? { kind: "unknown" } : { kind: "unexpected", error };
    }
  }
}
