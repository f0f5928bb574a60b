import {
  create,
  type DescMessage,
  fromBinary,
  isMessage,
  type Message,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";

/** Encodes a message, or what one is made of. Throws what protobuf-es throws. */
export function encodeMessage(schema: DescMessage, init: MessageInitShape<DescMessage>): Uint8Array {
  return toBinary(schema, isMessage(init, schema) ? init : create(schema, init));
}

/**
 * Decodes a message whose `bytes` fields are plain Uint8Arrays. Those of a Buffer would be Buffers, whose `slice`
 * shares what the one of a Uint8Array copies. Throws what protobuf-es throws.
 */
export function decodeMessage(schema: DescMessage, payload: Uint8Array): Message {
  return fromBinary(schema, new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength));
}
