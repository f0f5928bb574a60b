import { unknownEntry } from "../session-errors.js";

/** The newest format of the log that this version reads; a new log has it. */
export const newestFormat = 1;

/** @throws QuorateError Unimplemented, `UNKNOWN_ENTRY`, for a format that this version does not know. */
export function checkFormat(format: number): void {
  if (format >= 1 && format <= newestFormat) return;
  throw unknownEntry(`the log has the format ${format}, and ${newestFormat} is the newest one known here`);
}
