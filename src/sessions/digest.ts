import crypto, { createHash } from "node:crypto";

/** How many bytes a digest has. */
export const digestBytes = 8;

/**
 * The digest of a request, in 16 lower-case hex digits: the first 8 bytes of SHA-256 over method, 0x00, payload. Two
 * requests under one number are the same if they have the same digest; metadata is not covered.
 *
 * @param method the full name of the method, with dots.
 */
export function requestDigest(method: string, payload: Uint8Array): string {
  const length = Buffer.byteLength(method) + 1 + payload.length;
  const text = length <= scratch.length ? digestOfSmall(method, payload, length) : digestOf(method, payload);
  return text.slice(0, 2 * digestBytes);
}

function digestOf(method: string, payload: Uint8Array): string {
  return createHash("sha256").update(method).update(separator).update(payload).digest("hex");
}

/** In one piece, for which no object need be made. */
function digestOfSmall(method: string, payload: Uint8Array, length: number): string {
  const end = scratch.write(method);
  scratch[end] = 0;
  scratch.set(payload, end + 1);
  return hashAtOnce(scratch.subarray(0, length));
}

/** Node has `hash` since 20.12. */
const hashAtOnce: (bytes: Uint8Array) => string =
  typeof crypto.hash === "function"
    ? (bytes) => crypto.hash("sha256", bytes, "hex")
    : (bytes) => createHash("sha256").update(bytes).digest("hex");

const scratch = Buffer.allocUnsafeSlow(4_096);
const separator = Uint8Array.of(0);
