import type { QuorateError } from "../../../internal/errors/quorate-error.js";
import type { Metadata } from "../../../internal/wire/metadata.js";
import type { RawReply } from "../../calls/raw-call.js";
import type { PeerNode } from "../../configuration/peer-node.js";
import type { RequestRecord } from "./request-ledger.js";

/** What a session sends, and who waits for the answer. */
export interface AwaitedRequest extends RequestRecord {
  /** Sent behind the stamp, each time. */
  readonly metadata: Metadata;
  /** The answer of a server, which may be an error. Told once, or {@link failed} is; nobody may care any more. */
  answered(reply: RawReply, node: PeerNode): void;
  /** No answer comes. */
  failed(error: QuorateError): void;
}
