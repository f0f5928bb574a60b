import { createContext, Script } from "node:vm";
import { fromBinary } from "@bufbuild/protobuf";
import { expect } from "vitest";
import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import { decodeEnvelope } from "../../internal/wire/decode-envelope.js";
import type { Envelope } from "../../internal/wire/envelope.js";
import type { Status } from "../../internal/wire/gen/google/rpc/status_pb.js";
import { MessageSchema } from "../../internal/wire/gen/stream/stream_pb.js";
import type { MetadataEntry } from "../../internal/wire/metadata.js";

const highBit = 1n << 63n;

/**
 * Runs the task; fails if it does not return within the time, which a time-out of the test runner could not do
 * to code that never gives way.
 */
export function within<Result>(timeoutMs: number, task: () => Result): Result {
  scope.task = task;
  return callTask.runInContext(scope, { timeout: timeoutMs }) as Result;
}

const callTask = new Script("task()");
const scope: { task: () => unknown } = { task: () => undefined };
createContext(scope);

/** An envelope as a plain value that tests can compare. */
export function plainEnvelope(envelope: Envelope): object {
  const { number, serverInitiated, method, status, entries, payload, timeoutMs, cancel, end } = envelope;
  return plain(
    BigInt(number) | (serverInitiated ? highBit : 0n),
    { method, timeoutMs, cancel, end },
    status,
    entries,
    payload,
  );
}

/** What protobuf-es makes of the bytes, or undefined if it refuses them or the number is not one of quorate's. */
export function expectedEnvelope(bytes: Uint8Array): object | undefined {
  try {
    const { messageSeqNo, method, status, entry, payload, timeoutMs, cancel, end } = fromBinary(
      MessageSchema,
      bytes,
    );
    if ((messageSeqNo & (highBit - 1n)) > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
    return plain(messageSeqNo, { method, timeoutMs, cancel, end }, status, entry, payload);
  } catch {
    return undefined;
  }
}

/**
 * Both decoders agree on these bytes: they read the same, or protobuf-es refuses and ours says so in its one way.
 * Returns whether the bytes are an envelope.
 */
export function expectSameAsProtobuf(bytes: Uint8Array): boolean {
  const expected = expectedEnvelope(bytes);
  if (expected === undefined) {
    expectMalformed(bytes);
    return false;
  }
  expect(plainEnvelope(decodeEnvelope(bytes))).toEqual(expected);
  return true;
}

export function expectMalformed(bytes: Uint8Array): void {
  let thrown: unknown;
  try {
    decodeEnvelope(bytes);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(QuorateError);
  expect(thrown).toMatchObject({ code: Code.InvalidArgument, reason: "MALFORMED_ENVELOPE" });
}

function plain(
  sequenceNumber: bigint,
  scalars: { method: string; timeoutMs: number; cancel: boolean; end: boolean },
  status: Status | undefined,
  entries: readonly MetadataEntry[],
  payload: Uint8Array,
): object {
  return {
    sequenceNumber,
    ...scalars,
    status: status && {
      code: status.code,
      message: status.message,
      details: status.details.map(({ typeUrl, value }) => [typeUrl, Buffer.from(value).toString("hex")]),
    },
    entries: entries.map(({ key, value }) => [key, value]),
    payload: Buffer.from(payload).toString("hex"),
  };
}
