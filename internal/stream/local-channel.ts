import { Code } from "../errors/code.js";
import { ownOffer, readFeatures } from "./features.js";
import { createLoopback } from "./loopback.js";
import type { PeerStreamObserver } from "./peer-stream.js";
import { StreamChannel, type StreamChannelInit } from "./stream-channel.js";

/** The way of a node to itself. */
export interface LocalChannel {
  /** Takes the calls of the node to itself. */
  readonly channel: StreamChannel;
  /** The end on which they are served, as on an accepted stream. */
  readonly accepted: StreamChannel;
  /** Closes both ends at once. */
  close(): void;
}

/**
 * Makes the channel of a node to itself: in-process, on copies of the bytes, through the same queues and the same
 * ordered dispatch as a remote stream (W-11).
 */
export function createLocalChannel(
  init: Pick<StreamChannelInit, "peer" | "limits" | "handler"> & {
    readonly observer: PeerStreamObserver;
  },
): LocalChannel {
  const ends = createLoopback(ownOffer);
  const common = { ...init, features: readFeatures(ownOffer), callable: true };
  const accepted = new StreamChannel({ ...common, stream: ends.accepting, side: "accepting" });
  const channel = new StreamChannel({ ...common, stream: ends.dialling, side: "dialling" });
  return {
    channel,
    accepted,
    close: () => {
      const closed = { code: Code.Canceled, message: "the server was closed" };
      channel.cancel(closed);
      accepted.cancel(closed);
    },
  };
}
