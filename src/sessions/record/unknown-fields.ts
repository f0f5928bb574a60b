import type { Message } from "@bufbuild/protobuf";

/** Whether the message, or one within it, has a field that its schema does not know. */
export function hasUnknownFields(message: Message): boolean {
  return (message.$unknown?.length ?? 0) > 0 || Object.values(message).some(holdsUnknownFields);
}

function holdsUnknownFields(value: unknown): boolean {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return false;
  if (Array.isArray(value)) return value.some(holdsUnknownFields);
  if ("$typeName" in value) return hasUnknownFields(value as Message);
  // A oneof: its case and its value.
  return "value" in value && holdsUnknownFields(value.value);
}
