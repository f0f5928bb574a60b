import { QuorateError } from "../../../internal/errors/quorate-error.js";

/** The error that this fails with; the test fails if it fails with none of ours, or not at all. */
export async function failureOf(failing: Promise<unknown>): Promise<QuorateError> {
  const [result] = await Promise.allSettled([failing]);
  if (result.status === "fulfilled") throw new Error("it did not fail");
  if (result.reason instanceof QuorateError) return result.reason;
  throw result.reason;
}
