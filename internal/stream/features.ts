import { Metadata } from "../wire/metadata.js";

/** The header in which each side offers the extensions of wire.md, section 5, that it takes. */
export const featuresHeader = "quorate-features";

/** The extensions that this library takes and, towards a peer that offered them too, uses. */
export const ownFeatures = "deadline,cancel,end";

/** The headers with which this side offers them. */
export const ownOffer: Metadata = Metadata.from({ [featuresHeader]: ownFeatures });

/** What the peer of a stream offered. */
export interface PeerFeatures {
  /** Whether the peer sent the header at all: then it is quorate, and learns the status of a stream that ends. */
  readonly offered: boolean;
  /** It takes `timeout_ms` on requests. */
  readonly deadline: boolean;
  /** It takes cancels. */
  readonly cancel: boolean;
  /** It takes the end of replies. */
  readonly end: boolean;
}

/** A peer that offered nothing, such as a Go one. */
export const noFeatures: PeerFeatures = { offered: false, deadline: false, cancel: false, end: false };

/** Reads the offer. Unknown names are ignored; repeated headers arrive joined by commas (J-03). */
export function readFeatures(headers: Metadata): PeerFeatures {
  const values = headers.getAll(featuresHeader);
  if (values.length === 0) return noFeatures;
  const names = new Set(values.flatMap((value) => value.split(",")).map((name) => name.trim()));
  return {
    offered: true,
    deadline: names.has("deadline"),
    cancel: names.has("cancel"),
    end: names.has("end"),
  };
}
