import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  isMessage,
  type Message,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { Code } from "../../internal/errors/code.js";
import { invalidArgument, QuorateError } from "../../internal/errors/quorate-error.js";
import { wireName } from "../service/quorate-service.js";

/** A request as a caller gives it: a message or its initializer; the types of {@link Client} say which. */
export type RequestInit = MessageInitShape<DescMessage>;

/** What a call needs of its method. */
export interface MethodInfo {
  /** Full name on the wire. */
  readonly name: string;
  readonly idempotent: boolean;
  /** Encodes a request. Throws InvalidArgument that names the method. */
  encode(request: RequestInit): Uint8Array;
  /** Decodes a reply. Throws Internal that names the method: the peer and we disagree about the message (F-14). */
  decode(payload: Uint8Array): Message;
}

/**
 * Decodes a message whose `bytes` fields are plain Uint8Arrays. Those of a Buffer would be Buffers, whose `slice`
 * shares what the one of a Uint8Array copies.
 */
export function decodeMessage(schema: DescMessage, payload: Uint8Array): Message {
  return fromBinary(schema, new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength));
}

/** Reads a method once, for all its calls. */
export function methodInfo(method: DescMethod): MethodInfo {
  const name = wireName(method);
  return {
    name,
    idempotent: method.idempotency !== MethodOptions_IdempotencyLevel.IDEMPOTENCY_UNKNOWN,
    encode: (request) => {
      try {
        return toBinary(
          method.input,
          isMessage(request, method.input) ? request : create(method.input, request),
        );
      } catch (error) {
        throw invalidArgument(`the request of ${name} cannot be encoded: ${String(error)}`, error);
      }
    },
    decode: (payload) => {
      try {
        return decodeMessage(method.output, payload);
      } catch (error) {
        const message = `quorate: could not unmarshal response of ${name}: ${String(error)}`;
        throw new QuorateError(Code.Internal, message, { cause: error });
      }
    },
  };
}
