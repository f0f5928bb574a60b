import { Code } from "../../internal/errors/code.js";
import { invalidArgument, QuorateError } from "../../internal/errors/quorate-error.js";
import type { Metadata } from "../../internal/wire/metadata.js";
import { firstDynamicId } from "../configuration/node-list.js";

/** The stream metadata in which a peer says who it is and that it can be called (F-18). */
export const nodeIdHeader = "gorums-node-id";

/** What a stream claims to be. */
export type PeerClaim =
  /** It offers no way back: it calls, and is never called. */
  | { readonly kind: "plain" }
  /** It can be called, and asks for an id. */
  | { readonly kind: "dynamic" }
  /** It is the node of this id. */
  | { readonly kind: "node"; readonly id: number };

/**
 * Reads the claim of a stream. Of several values the first counts; HTTP/2 joins repeated headers by commas (J-03).
 *
 * @throws QuorateError InvalidArgument for a value that is no decimal uint32 or lies in the range of dynamic ids,
 * PermissionDenied for the id of this server (W-02): such a stream is refused.
 */
export function readClaim(headers: Metadata, ownId: number | undefined): PeerClaim {
  const value = headers.get(nodeIdHeader)?.split(",")[0]?.trim();
  if (value === undefined) return { kind: "plain" };
  const id = Number(value);
  if (!/^\d{1,10}$/.test(value) || id > 0xffffffff) {
    throw invalidArgument(`${nodeIdHeader} "${value}" is no decimal uint32`);
  }
  if (id === 0) return { kind: "dynamic" };
  if (id >= firstDynamicId) {
    throw invalidArgument(`${nodeIdHeader} ${id} lies in the range of dynamic clients; ask for one with 0`);
  }
  if (id === ownId) {
    throw new QuorateError(
      Code.PermissionDenied,
      `quorate: ${nodeIdHeader} ${id} is the id of this server itself`,
    );
  }
  return { kind: "node", id };
}
