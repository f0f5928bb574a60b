import { create } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { expect } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import type { PresentSession, RegisterAnswer } from "../../../src/sessions/client/register-answer.js";
import { SessionState } from "../../../src/sessions/client/session-state.js";
import { SessionMismatchSchema } from "../../../src/sessions/gen/quorate/session/v1/session_pb.js";

export const client = "000102030405060708090a0b0c0d0e0f";
export const clusterId = "c".repeat(32);

/** The nonce of this number. */
export function nonceOf(number: number): string {
  return number.toString(16).padStart(32, "0");
}

/** The answer to a Register that has made a session at op 10, unless said otherwise. */
export function answerOf(changes: Partial<RegisterAnswer> = {}): RegisterAnswer {
  return {
    session: 10,
    created: 10,
    highest: 0,
    respondedTo: 0,
    clusterId,
    limits: { maxInFlight: 4, maxRequestBytes: 100, maxWaitMs: 30_000, idleTimeoutMs: 600_000 },
    ...changes,
  };
}

/** A session that has registered once. */
export function activeSession(changes: Partial<RegisterAnswer> = {}): SessionState {
  const state = new SessionState(client);
  expect(state.registered(state.register(nonceOf(1)), answerOf(changes))).toEqual({ kind: "active" });
  return state;
}

/** Gives out numbers, as many as are asked for, and writes them. */
export function startAndWrite(state: SessionState, count: number): void {
  for (let at = 0; at < count; at++) start(state);
  writeAll(state);
}

/** Gives out a number. */
export function start(state: SessionState, method = "a.B/C"): number {
  return state.start({ method, payload: Uint8Array.of(state.nextRequest) });
}

/** Writes what is to be written; returns the numbers in the order of writing. */
export function writeAll(state: SessionState): number[] {
  const written: number[] = [];
  for (let next = state.nextToWrite(); next !== undefined; next = state.nextToWrite()) {
    state.wrote(next.request);
    written.push(next.request);
  }
  return written;
}

/** An error with this reason, as it comes from a server. */
export function errorOf(reason: string | undefined, code: Code = Code.Unavailable): QuorateError {
  return new QuorateError(code, "from the server", { reason });
}

/** The refusal of a Register that names another session number. */
export function mismatchOf({ session, created }: PresentSession): QuorateError {
  const detail = create(SessionMismatchSchema, { session: BigInt(session), created: BigInt(created) });
  return new QuorateError(Code.FailedPrecondition, "from the server", {
    reason: "SESSION_MISMATCH",
    details: [anyPack(SessionMismatchSchema, detail)],
  });
}

/** The error that this throws; the test fails if it throws nothing, or something else. */
export function thrownBy(action: () => unknown): QuorateError {
  try {
    action();
  } catch (error) {
    if (error instanceof QuorateError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
