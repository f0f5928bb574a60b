import { codeName, QuorateError } from "quorate";

/** An error in one line: its code and its message, with the errors of nodes one after the other. */
export function describeError(error: unknown): string {
  const { code, message } = QuorateError.from(error);
  const line = message
    .trim()
    .replace(/\s*\n\s*node errors:\s*/g, ": ")
    .replace(/\s*\n\s*/g, "; ");
  return `${codeName(code)}: ${line}`;
}
