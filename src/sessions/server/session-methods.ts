import type { DescMessage, DescMethod, Message, MessageInitShape } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { Code } from "../../../internal/errors/code.js";
import { invalidArgument, QuorateError } from "../../../internal/errors/quorate-error.js";
import { decodeMessage, encodeMessage } from "../../service/message-codec.js";
import { callTypeOf, type QuorateService, wireName } from "../../service/quorate-service.js";
import { withSortedMaps } from "./sorted-maps.js";

/** One method of a replicated or guarded service. */
export interface SessionMethod {
  /** Full name, with dots. */
  readonly name: string;
  readonly mode: "replicated" | "guarded";
  /** Whether it is a read: it appends nothing, and has no request number. */
  readonly readOnly: boolean;
  /** Whether calls without a session are served on streams where nobody has logged in. */
  readonly anonymous: boolean;
  /** Of a read: whether it waits for all that was committed before, or only for what its session has seen. */
  readonly consistency: "linearizable" | "local";
  readonly method: DescMethod;
  readonly handle: (request: Message, context: object) => unknown;
}

/** How a service is served. */
export interface SessionMethodsInit {
  readonly mode: SessionMethod["mode"];
  readonly anonymous: boolean;
  readonly consistency: { readonly [name: string]: SessionMethod["consistency"] | undefined };
}

/**
 * The methods of a service and their handlers.
 *
 * @throws QuorateError InvalidArgument for a method that is not `rpc`, a handler that is missing or too many, and, of a
 * replicated method, one that is async.
 */
export function sessionMethods(
  service: QuorateService,
  handlers: object,
  { mode, anonymous, consistency }: SessionMethodsInit,
): SessionMethod[] {
  const given: { readonly [name: string]: unknown } = Object.fromEntries(
    service.descriptor.methods.map(({ localName }) => [localName, Reflect.get(handlers, localName)]),
  );
  checkNames(service, Object.getPrototypeOf(handlers) === Object.prototype ? Object.keys(handlers) : []);
  checkNames(service, Object.keys(consistency));
  return service.descriptor.methods.map((method) => {
    const name = wireName(method);
    if (callTypeOf(service, method) !== "rpc") {
      throw invalidArgument(`${name} cannot be ${mode}: only methods of the call type rpc can`);
    }
    const handler = given[method.localName];
    if (typeof handler !== "function") throw invalidArgument(`the handler of ${name} is missing`);
    if (mode === "replicated" && Reflect.get(handler, Symbol.toStringTag) !== undefined) {
      const message = `the handler of ${name} is async, or a generator: those of replicated methods are synchronous`;
      throw invalidArgument(message);
    }
    const readOnly = method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
    if (!readOnly && consistency[method.localName] !== undefined) {
      throw invalidArgument(
        `the consistency of ${name} is that of a write: it is not marked NO_SIDE_EFFECTS`,
      );
    }
    return {
      name,
      mode,
      readOnly,
      anonymous,
      consistency: consistency[method.localName] ?? "linearizable",
      method,
      handle: (request, context) => Reflect.apply(handler, handlers, [request, context]),
    };
  });
}

function checkNames({ descriptor }: QuorateService, names: readonly string[]): void {
  const known = new Set(descriptor.methods.map(({ localName }) => localName));
  const stranger = names.find((name) => !known.has(name));
  if (stranger !== undefined) throw invalidArgument(`${descriptor.typeName} has no method ${stranger}`);
}

/** @throws QuorateError InvalidArgument, `UNDECODABLE_REQUEST`. */
export function decodeRequest({ name, method }: SessionMethod, payload: Uint8Array): Message {
  try {
    return decodeMessage(method.input, payload);
  } catch (error) {
    const message = `quorate: the request of ${name} cannot be decoded: ${String(error)}`;
    throw new QuorateError(Code.InvalidArgument, message, { reason: "UNDECODABLE_REQUEST", cause: error });
  }
}

/** What a handler has returned, encoded; nothing stands for the empty message. Throws Internal. */
export function encodeResult(method: SessionMethod, result: unknown): Uint8Array {
  return encode(method, result, encodeMessage);
}

/** As {@link encodeResult}, with maps sorted by their keys: their order may differ from server to server. */
export function encodeSorted(method: SessionMethod, result: unknown): Uint8Array {
  return encode(method, result, (schema, init) => encodeMessage(schema, withSortedMaps(schema, init)));
}

function encode(
  { name, method }: SessionMethod,
  result: unknown,
  encoded: (schema: DescMessage, init: MessageInitShape<DescMessage>) => Uint8Array,
): Uint8Array {
  try {
    return encoded(method.output, (result ?? {}) as MessageInitShape<typeof method.output>);
  } catch (error) {
    // The text stands in kept replies, and those of engines differ.
    throw new QuorateError(Code.Internal, `quorate: the reply of ${name} cannot be encoded`, {
      cause: error,
    });
  }
}
