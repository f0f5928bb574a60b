import type { QuorateError } from "../../../internal/errors/quorate-error.js";
import { Metadata } from "../../../internal/wire/metadata.js";
import { callRaw, type RawCall, type RawReply } from "../../calls/raw-call.js";
import type { DialledStream } from "./dialled-streams.js";

/** What came of a call to a server. */
export type ServerAnswer =
  | { readonly kind: "answer"; readonly reply: RawReply }
  /** None came: the stream was lost, the time is over, or it could not be sent. */
  | { readonly kind: "none"; readonly error: QuorateError };

/** Calls a method with encoded bytes on this stream and no other. Never rejects. */
export function askServer(
  { node, stream }: DialledStream,
  {
    metadata = Metadata.empty,
    ...call
  }: Omit<RawCall, "stream" | "metadata"> & { readonly metadata?: Metadata },
): Promise<ServerAnswer> {
  return new Promise((resolve) => {
    const raw = { ...call, metadata, stream };
    callRaw(node, raw, {
      replied: (reply) => resolve({ kind: "answer", reply }),
      failed: (error) => resolve({ kind: "none", error }),
    });
  });
}
