import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { GenesisSchema, type Genesis as Message } from "../gen/quorate/session/v1/log_record_pb.js";
import { fromHex } from "../hex.js";
import { damagedEntry, unknownEntry } from "../session-errors.js";
import type { SessionLimits } from "../session-limits.js";
import { checkFormat } from "./log-format.js";
import { FieldProblem, readId, readLimits } from "./read-field.js";
import { hasUnknownFields } from "./unknown-fields.js";

/** The header of the commit log: what stands before the first entry, the same for every server. */
export interface Genesis {
  /** 16 random bytes, in hex: which log this is. */
  readonly clusterId: string;
  /** The format of the entries. */
  readonly format: number;
  /** The limits until a Configure changes them. */
  readonly limits: SessionLimits;
}

/** The bytes of a genesis, to be proposed to a commit log. */
export function encodeGenesis({ clusterId, format, limits }: Genesis): Uint8Array {
  return toBinary(GenesisSchema, create(GenesisSchema, { clusterId: fromHex(clusterId), format, limits }));
}

/**
 * Reads the genesis that a commit log has.
 *
 * @throws QuorateError Unimplemented, `UNKNOWN_ENTRY`, for a format or a field that this version does not know; DataLoss,
 * `DAMAGED_ENTRY`, for bytes that no version writes.
 */
export function decodeGenesis(bytes: Uint8Array): Genesis {
  const message = parse(bytes);
  if (hasUnknownFields(message)) throw unknownEntry("the genesis of the log has an unknown field");
  checkFormat(message.format);
  try {
    const clusterId = readId("cluster id", message.clusterId);
    return { clusterId, format: message.format, limits: readLimits(message.limits) };
  } catch (error) {
    if (error instanceof FieldProblem) throw damagedEntry(`its genesis: ${error.message}`);
    throw error;
  }
}

function parse(bytes: Uint8Array): Message {
  try {
    return fromBinary(GenesisSchema, bytes);
  } catch (error) {
    throw damagedEntry("its genesis cannot be decoded", error);
  }
}
