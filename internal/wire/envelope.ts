import type { MetadataEntry } from "./metadata.js";
import type { Status } from "./status.js";

/**
 * One message of the stream `stream.Gorums.NodeStream` (F-02): a request, a reply, a cancel or an end of replies, in
 * either direction.
 */
export interface Envelope {
  /** The number of the call without its high bit: 0 to 2^53-1. */
  readonly number: number;
  /** The high bit of the number: whether the accepting side of the stream made the call (F-06). */
  readonly serverInitiated: boolean;
  /** Full name with dots, `package.Service.Method` (F-03). */
  readonly method: string;
  /** On replies; absent or code 0 for success (F-11). */
  readonly status: Status | undefined;
  readonly entries: readonly MetadataEntry[];
  /** The encoded request or reply (F-04). */
  readonly payload: Uint8Array;
  /** Milliseconds left when the request was written; 0 for none. */
  readonly timeoutMs: number;
  /** Whether this is a cancel: the caller of `number` no longer waits. */
  readonly cancel: boolean;
  /** Whether this is the end of the replies to `number`, of a method that replies any number of times. */
  readonly end: boolean;
}
