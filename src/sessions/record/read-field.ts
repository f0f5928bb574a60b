import { clientIdOf, idBytes } from "../client-id.js";
import { digestBytes } from "../digest.js";
import type { Limits, Reply as ReplyMessage } from "../gen/quorate/session/v1/log_record_pb.js";
import { toHex } from "../hex.js";
import type { Reply } from "../reply.js";
import { limitsProblem, type SessionLimits } from "../session-limits.js";

/** A field holds what it must not: whoever reads the message says what that means. */
export class FieldProblem extends Error {}

/** A number of a message, which must be an integer from `least` to 2^53-1. */
export function readNumber(name: string, value: bigint, least = 0): number {
  const number = Number(value);
  if (number < least || !Number.isSafeInteger(number)) throw new FieldProblem(`${name} is ${value}`);
  return number;
}

/** A client id. */
export function readClient(bytes: Uint8Array): string {
  const client = clientIdOf(bytes);
  if (client === undefined) throw new FieldProblem("a client id has not 16 bytes, or is zero");
  return client;
}

/** 16 bytes, in hex. */
export function readId(name: string, bytes: Uint8Array): string {
  return readHex(name, bytes, idBytes);
}

/** The digest of a request, in hex. */
export function readDigest(bytes: Uint8Array): string {
  return readHex("digest", bytes, digestBytes);
}

/** So many bytes, in hex. */
export function readHex(name: string, bytes: Uint8Array, length: number): string {
  if (bytes.length !== length) throw new FieldProblem(`${name} has ${bytes.length} bytes`);
  return toHex(bytes);
}

/** A reply on bytes of its own: those of the message are a view, which would keep all that it was read from. */
export function readReply(message: ReplyMessage | undefined): Reply {
  const { outcome } = message ?? missing("reply");
  if (outcome.case === undefined) throw new FieldProblem("a reply is neither payload nor status");
  return { kind: outcome.case, bytes: new Uint8Array(outcome.value) };
}

/** The limits. */
export function readLimits(message: Limits | undefined): SessionLimits {
  const { maxSessions, maxSessionsPerUser, maxInFlight, maxRequestBytes, maxReplyBytes, ...times } =
    message ?? missing("limits");
  const { idleTimeoutMs, guardTimeoutMs, tickMs } = times;
  const sizes = { maxSessions, maxSessionsPerUser, maxInFlight, maxRequestBytes, maxReplyBytes };
  const limits = { ...sizes, idleTimeoutMs, guardTimeoutMs, tickMs };
  const problem = limitsProblem(limits);
  if (problem !== undefined) throw new FieldProblem(problem);
  return limits;
}

/** A message that must be there is not. */
export function missing(name: string): never {
  throw new FieldProblem(`${name} is missing`);
}
