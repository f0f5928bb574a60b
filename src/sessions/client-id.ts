import { toHex } from "./hex.js";

/** How many bytes a client id, a nonce, a cluster id and the incarnation of a process have. */
export const idBytes = 16;

/** Whether the text is a client id: 32 lower-case hex digits, not all zero. */
export function isClientId(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text) && text !== noClient;
}

/** The client id that the bytes are, or undefined if they are not 16 or all zero. */
export function clientIdOf(bytes: Uint8Array): string | undefined {
  if (bytes.length !== idBytes) return undefined;
  const text = toHex(bytes);
  return text === noClient ? undefined : text;
}

const noClient = "0".repeat(2 * idBytes);
