import {
  create,
  type DescMessage,
  type DescMethod,
  type Message,
  type MessageInitShape,
} from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { Code } from "../../internal/errors/code.js";
import { invalidArgument, QuorateError } from "../../internal/errors/quorate-error.js";
import { decodeMessage, encodeMessage } from "../service/message-codec.js";
import { type CallType, wireName } from "../service/quorate-service.js";

/** A request as a caller gives it: a message or its initializer; the types of {@link Client} say which. */
export type RequestInit = MessageInitShape<DescMessage>;

/** What a call needs of its method. */
export interface MethodInfo {
  /** Full name on the wire. */
  readonly name: string;
  readonly callType: CallType;
  readonly idempotent: boolean;
  /** Marked `idempotency_level = NO_SIDE_EFFECTS`. */
  readonly readOnly: boolean;
  /** Makes a message of a request. Throws InvalidArgument that names the method. */
  create(request: RequestInit): Message;
  /** Encodes a request. Throws InvalidArgument that names the method. */
  encode(request: RequestInit): Uint8Array;
  /** Decodes a reply. Throws Internal that names the method: the peer and we disagree about the message (F-14). */
  decode(payload: Uint8Array): Message;
}

/** Reads a method once, for all its calls. */
export function methodInfo(method: DescMethod, callType: CallType): MethodInfo {
  const name = wireName(method);
  const checked = <Result>(make: () => Result): Result => {
    try {
      return make();
    } catch (error) {
      throw invalidArgument(`the request of ${name} cannot be encoded: ${String(error)}`, error);
    }
  };
  return {
    name,
    callType,
    idempotent: method.idempotency !== MethodOptions_IdempotencyLevel.IDEMPOTENCY_UNKNOWN,
    readOnly: method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS,
    create: (request) => checked(() => create(method.input, request)),
    encode: (request) => checked(() => encodeMessage(method.input, request)),
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
