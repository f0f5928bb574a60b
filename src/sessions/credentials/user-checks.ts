import type { User } from "./authenticate.js";

/** Whether a user can have this id: 1 to 255 bytes of text without control characters. */
export function isUserId(id: unknown): id is string {
  // The empty one is whom everybody is where nobody has to log in.
  if (typeof id !== "string" || id === "") return false;
  return Buffer.byteLength(id) <= 255 && !/[\p{Control}\p{Surrogate}]/u.test(id);
}

/** Whether the time of the user, or of what it has logged in with, is over. */
export function isExpired({ expiresAtMs }: User, nowMs: number): boolean {
  return expiresAtMs !== undefined && !(nowMs < expiresAtMs);
}
