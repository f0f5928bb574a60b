import { readFeatures } from "../../internal/stream/features.js";
import { createLoopback, type Loopback } from "../../internal/stream/loopback.js";
import type { RequestHandler } from "../../internal/stream/request-handler.js";
import { StreamChannel } from "../../internal/stream/stream-channel.js";
import { ourHeaders } from "./fake-stream.js";
import { defaultLimits } from "./open-peer-stream.js";

/** Both ends of one stream within the process, each with a channel on it. */
export interface OpenedPair {
  readonly loopback: Loopback;
  readonly dialling: StreamChannel;
  readonly accepting: StreamChannel;
  /** Ends the stream. */
  readonly close: () => void;
}

/** What a test may say about its pair. */
export interface OpenPairInit {
  readonly limits?: Partial<typeof defaultLimits>;
  /** Runs the requests that the dialling side makes. */
  readonly accepting?: RequestHandler;
  /** Runs the requests that the accepting side makes. */
  readonly dialling?: RequestHandler;
}

/** A handler that answers with what it was sent. */
export const echo: RequestHandler = async (request) => request.reply(request.payload);

/** Opens a pair whose handlers echo, unless the test says otherwise. */
export function openPair(init: OpenPairInit = {}): OpenedPair {
  const loopback = createLoopback(ourHeaders);
  const open = (side: "dialling" | "accepting") =>
    new StreamChannel({
      side,
      stream: loopback[side],
      callable: true,
      features: readFeatures(ourHeaders),
      handler: init[side] ?? echo,
      peer: side === "dialling" ? "the acceptor" : "the dialler",
      limits: { ...defaultLimits, ...init.limits },
      observer: {
        lateReply: () => {},
        malformed: () => {},
        limitReached: () => {},
        halfClosed: () => {},
        idle: () => {},
        ended: () => {},
      },
    });
  return {
    loopback,
    dialling: open("dialling"),
    accepting: open("accepting"),
    close: () => loopback.breakOff(),
  };
}
