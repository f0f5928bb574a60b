import { createHash } from "node:crypto";

/** The id of a block: the SHA-256 of its bytes, in hexadecimal. So whoever asks for an id knows the right bytes. */
export function blockIdOf(data: Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
