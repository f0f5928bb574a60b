import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import { messageTooLarge } from "../../internal/stream/message-size.js";
import { PendingCall } from "../../internal/stream/pending-call.js";
import { deadlineAfter, monotonicMs, scheduleDeadline } from "../../internal/util/deadlines.js";
import { encodeBody, envelopeSize } from "../../internal/wire/encode-envelope.js";
import { nextCallNumber } from "../../internal/wire/message-id.js";
import { Metadata } from "../../internal/wire/metadata.js";
import { errorFromStatus } from "../../internal/wire/status.js";
import { nodeNotConnected, type PeerNode } from "../configuration/peer-node.js";

/** A call of bytes to one node. */
export interface RawCall {
  /** The full name on the wire. */
  readonly method: string;
  readonly payload: Uint8Array;
  readonly metadata: Metadata;
  readonly timeoutMs: number;
  /** The stream that it must go on, as `Channel.stream` says it; on any other, or once it is lost, it fails at once. */
  readonly stream?: object | undefined;
  /** Nothing comes back: told as a reply without anything once the transport has taken it. Default false. */
  readonly oneWay?: boolean;
}

/** What a node has answered. */
export interface RawReply {
  readonly payload: Uint8Array;
  /** The error that it answered in place of the payload. */
  readonly error: QuorateError | undefined;
  readonly metadata: Metadata;
}

/** What comes of a {@link RawCall}: one of the two, once. */
export interface RawCallListener {
  replied(reply: RawReply): void;
  /** No answer came: the stream was lost, the time is over, or the call could not be sent. */
  failed(error: QuorateError): void;
}

/**
 * Makes a call of encoded bytes, past all interceptors. It is never sent a second time. The listener may be told before
 * this returns.
 */
export function callRaw(node: PeerNode, call: RawCall, listener: RawCallListener): void {
  const { method, payload, metadata, timeoutMs, stream, oneWay = false } = call;
  const number = nextCallNumber();
  const body = encodeBody({ method, entries: metadata.entries(), payload });
  const size = envelopeSize(number, true, body, 0x7fffffff);
  const { maxMessageBytes, events } = node.settings;
  if (size > maxMessageBytes) {
    events.emit({ kind: "limitReached", limit: "messageSize", nodeId: node.id });
    listener.failed(messageTooLarge("request", size, maxMessageBytes));
    return;
  }
  const startedMs = monotonicMs();
  const deadline = deadlineAfter(timeoutMs);
  const cancelDeadline = scheduleDeadline(deadline, () => {
    const message = `quorate: no result within ${timeoutMs} ms`;
    // The peer is not told, neither of the deadline nor of its end: what it was asked may go on.
    pending.abort(new QuorateError(Code.DeadlineExceeded, message), false);
  });
  const pending = new PendingCall(
    {
      number,
      body,
      method,
      replies: oneWay ? "none" : "one",
      deadline: Number.POSITIVE_INFINITY,
      waitForReady: false,
      resend: false,
      onStream: stream,
    },
    {
      replied: (envelope) => {
        const error = errorFromStatus(envelope.status);
        node.recordReply(error === undefined ? monotonicMs() - startedMs : undefined);
        listener.replied({
          payload: envelope.payload,
          error,
          metadata: Metadata.fromEntries(envelope.entries),
        });
      },
      completed: () => {},
      written: () => {
        if (oneWay) listener.replied({ payload: noBytes, error: undefined, metadata: Metadata.empty });
      },
      failed: (error) => {
        node.recordFailure(error);
        listener.failed(error);
      },
      released: cancelDeadline,
    },
  );
  if (node.channel === undefined) pending.fail(nodeNotConnected(node));
  else pending.sendOn(node.channel);
}

const noBytes = new Uint8Array(0);
