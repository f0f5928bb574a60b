import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { decodeEnvelope } from "../../internal/wire/decode-envelope.js";
import { EchoRequestSchema, EchoResponseSchema } from "../gen/test/v1/test_pb.js";
import { envelopeBytes } from "../transport/raw-peers.js";

/** The name of an rpc of the service Test, which servers serve. */
export const echoRPC = "test.v1.Test.EchoRPC";
/** The name of an rpc of the service Callback, which clients serve. */
export const ask = "test.v1.Callback.Ask";

/** A request as a foreign peer writes it. */
export function requestPayload(value: string): Uint8Array {
  return toBinary(EchoRequestSchema, create(EchoRequestSchema, { value }));
}

/** A reply as a foreign peer writes it. */
export function replyPayload(value: string): Uint8Array {
  return toBinary(EchoResponseSchema, create(EchoResponseSchema, { value }));
}

/** What a request that came to a foreign peer asks. */
export function requestValue(bytes: Uint8Array): string {
  return fromBinary(EchoRequestSchema, decodeEnvelope(bytes).payload).value;
}

/** What a reply that came to a foreign peer says. */
export function replyValue(bytes: Uint8Array): string {
  return fromBinary(EchoResponseSchema, decodeEnvelope(bytes).payload).value;
}

/** The reply of a foreign peer to a request that came to it: its number and method, and the value that it asks with. */
export function echoed(bytes: Uint8Array): Buffer {
  return envelopeBytes({ ...decodeEnvelope(bytes), payload: replyPayload(`echo: ${requestValue(bytes)}`) });
}
