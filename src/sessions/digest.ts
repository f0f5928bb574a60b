import { createHash } from "node:crypto";

/** How many bytes a digest has. */
export const digestBytes = 8;

/**
 * The digest of a request, in 16 lower-case hex digits: the first 8 bytes of SHA-256 over method, 0x00, payload. Two
 * requests under one number are the same if they have the same digest; metadata is not covered.
 *
 * @param method the full name of the method, with dots.
 */
export function requestDigest(method: string, payload: Uint8Array): string {
  const hash = createHash("sha256").update(method).update(separator).update(payload);
  return hash.digest("hex").slice(0, 2 * digestBytes);
}

const separator = Uint8Array.of(0);
