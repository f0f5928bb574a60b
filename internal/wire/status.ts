import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { anyIs, anyPack, anyUnpack } from "@bufbuild/protobuf/wkt";
import { Code, codeFromNumber } from "../errors/code.js";
import { QuorateError } from "../errors/quorate-error.js";
import { ErrorInfoSchema } from "./gen/google/rpc/error_details_pb.js";
import { type Status, StatusSchema } from "./gen/google/rpc/status_pb.js";

/** The `google.rpc.Status` of the wire (F-02). */
export type { Status };

/** The domain of the `google.rpc.ErrorInfo` that carries a quorate reason. */
export const errorDomain = "quorate";

/** The status that stands for an error on the wire. Its reason travels as an ErrorInfo detail; its cause stays here. */
export function statusFromError(error: QuorateError): Status {
  const details = [...error.details];
  if (error.reason !== undefined && reasonOf(details) !== error.reason) {
    const info = create(ErrorInfoSchema, { reason: error.reason, domain: errorDomain });
    // In front, because the first one counts: the details may hold the reason of an error that this one stands on.
    details.unshift(anyPack(ErrorInfoSchema, info));
  }
  // Ok is no error: a peer would take it for a success without payload (F-11).
  const code = error.code === Code.Ok ? Code.Unknown : codeFromNumber(error.code);
  return create(StatusSchema, { code, message: error.message, details });
}

/** The error that a status of a peer stands for; undefined for success (absent or code 0, F-11). */
export function errorFromStatus(status: Status | undefined): QuorateError | undefined {
  if (status === undefined || status.code === Code.Ok) return undefined;
  return new QuorateError(codeFromNumber(status.code), status.message, {
    reason: reasonOf(status.details),
    details: status.details,
  });
}

/** The status encoded. */
export function encodeStatus(status: Status): Uint8Array {
  return toBinary(StatusSchema, status);
}

/** The status that {@link encodeStatus} encoded. Throws what protobuf-es throws. */
export function decodeStatus(bytes: Uint8Array): Status {
  return fromBinary(StatusSchema, bytes);
}

function reasonOf(details: readonly Status["details"][number][]): string | undefined {
  for (const detail of details) {
    try {
      if (!anyIs(detail, ErrorInfoSchema)) continue;
      const info = anyUnpack(detail, ErrorInfoSchema);
      if (info?.domain === errorDomain) return info.reason;
    } catch {
      // A peer may send anything as a detail; what does not decode is no reason of ours.
    }
  }
  return undefined;
}
