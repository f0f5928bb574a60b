import { abortError } from "../../internal/errors/quorate-error.js";
import { checkStreamHeaders } from "../../internal/transport/stream-headers.js";
import { onAbort } from "../../internal/util/on-abort.js";
import { Metadata, type MetadataInit } from "../../internal/wire/metadata.js";
import type { StreamHeaders } from "../configuration/node-pool.js";
import { type PeerClaim, readClaim } from "./peer-identity.js";

/** One attempt to open a stream. */
export interface DialAttempt {
  /** What the stream will claim to be. */
  readonly claim: PeerClaim;
  /** The address that is dialled. */
  readonly address: string;
  /** Of a replica: the id of the node that it dials. Of `connect`, whose ids are its own: undefined. */
  readonly serverId: number | undefined;
}

/**
 * Makes the metadata with which a stream proves what it claims, anew for every attempt. If it throws, the attempt fails
 * and another follows; the signal ends with the attempt.
 */
export type Prove = (attempt: DialAttempt, signal: AbortSignal) => MetadataInit | Promise<MetadataInit>;

/** What every stream of a side carries: what is always the same, and the proof of what that claims. */
export function streamHeaders(headers: Metadata, prove: Prove | undefined): StreamHeaders {
  if (prove === undefined) return () => headers;
  return async ({ id, address }, signal) => {
    const claim = readClaim(headers, undefined);
    const serverId = claim.kind === "node" ? id : undefined;
    const proof = await untilAborted(async () => prove({ claim, address, serverId }, signal), signal);
    return headers.join(checkStreamHeaders(Metadata.from(proof)));
  };
}

/** What the work resolves with, unless the signal ends before. */
function untilAborted<Result>(work: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const unlisten = onAbort(signal, (reason) => reject(abortError(reason)));
    work().then(resolve, reject).finally(unlisten);
  });
}
