import type { QuorateError } from "../../internal/errors/quorate-error.js";
import type { StreamStatus } from "../../internal/stream/bidi-stream.js";
import { readFeatures } from "../../internal/stream/features.js";
import { PeerStream, type PeerStreamInit, type StreamLimits } from "../../internal/stream/peer-stream.js";
import type { CallHolder, PendingCall } from "../../internal/stream/pending-call.js";
import { SendQueue, type SendQueueLimits } from "../../internal/stream/send-queue.js";
import type { Envelope } from "../../internal/wire/envelope.js";
import { FakeStream, ourHeaders } from "./fake-stream.js";
import { ManualHandler } from "./manual-handler.js";

/** The limits that a user has who sets none. */
export const defaultLimits: StreamLimits & SendQueueLimits = {
  maxMessageBytes: 4 << 20,
  maxQueuedRequests: 1_024,
  maxQueuedBytes: 16 << 20,
  maxQueuedCalls: 65_536,
  maxQueuedCallBytes: 64 << 20,
};

/** What a test may say about its stream. */
export interface OpenPeerStreamInit
  extends Partial<Pick<PeerStreamInit, "side" | "callable" | "features" | "handler">> {
  readonly limits?: Partial<StreamLimits & SendQueueLimits>;
  readonly confirmAll?: boolean;
  readonly malformed?: (peer: PeerStream, error: QuorateError) => void;
}

/** A stream on a {@link FakeStream}, with what it told. */
export interface OpenedPeerStream extends CallHolder {
  readonly peer: PeerStream;
  readonly stream: FakeStream;
  readonly queue: SendQueue;
  /** Runs the requests, unless the test gave a handler. */
  readonly handler: ManualHandler;
  readonly lateReplies: Envelope[];
  readonly malformed: QuorateError[];
  readonly ends: { readonly status: StreamStatus; readonly sent: PendingCall[]; readonly dropped: number }[];
  /** How often each was told. */
  readonly told: { idle: number; halfClosed: number; limits: string[] };
}

/** Opens the accepting end of a stream to a peer that takes all our extensions, unless the test says otherwise. */
export function openPeerStream(init: OpenPeerStreamInit = {}): OpenedPeerStream {
  const limits = { ...defaultLimits, ...init.limits };
  const stream = new FakeStream({ confirmAll: init.confirmAll ?? true });
  const queue = new SendQueue(limits);
  const handler = new ManualHandler();
  const lateReplies: Envelope[] = [];
  const malformed: QuorateError[] = [];
  const ends: OpenedPeerStream["ends"] = [];
  const told = { idle: 0, halfClosed: 0, limits: [] as string[] };
  const peer: PeerStream = new PeerStream({
    stream,
    queue,
    limits,
    side: init.side ?? "accepting",
    callable: init.callable ?? true,
    features: init.features ?? readFeatures(ourHeaders),
    handler: init.handler ?? handler.handle,
    observer: {
      lateReply: (envelope) => lateReplies.push(envelope),
      malformed: (error) => {
        malformed.push(error);
        init.malformed?.(peer, error);
      },
      limitReached: (limit) => {
        told.limits.push(limit);
      },
      halfClosed: () => {
        told.halfClosed += 1;
      },
      idle: () => {
        told.idle += 1;
      },
      ended: (status, sent, dropped) => ends.push({ status, sent, dropped }),
    },
  });
  return {
    peer,
    stream,
    queue,
    handler,
    lateReplies,
    malformed,
    ends,
    told,
    send: (call) => {
      queue.pushCall(call);
      peer.pump();
    },
    withdraw: (call, tellPeer) => {
      if (call.state === "queued") queue.remove(call);
      else peer.withdraw(call, tellPeer);
    },
  };
}
