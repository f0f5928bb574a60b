import { fromBinary } from "@bufbuild/protobuf";
import { LogRecordSchema, type LogRecord as Message } from "../gen/quorate/session/v1/log_record_pb.js";
import { toHex } from "../hex.js";
import { damagedEntry, unknownEntry } from "../session-errors.js";
import type { AcceptedStamp, Entry, LogRecord } from "./log-record.js";
import {
  FieldProblem,
  missing,
  readClient,
  readDigest,
  readId,
  readLimits,
  readNumber,
  readReply,
} from "./read-field.js";
import { hasUnknownFields } from "./unknown-fields.js";

/**
 * Reads an entry. A payload is a view of `bytes`; what the table keeps is not.
 *
 * @throws QuorateError Unimplemented, `UNKNOWN_ENTRY`, for a kind or a field that this version does not know; DataLoss,
 * `DAMAGED_ENTRY`, for bytes that no version writes. After either the server stops: an entry is never skipped, else
 * servers would come to different states.
 */
export function decodeLogRecord(bytes: Uint8Array): LogRecord {
  const message = parse(bytes);
  if (hasUnknownFields(message)) throw unknownEntry("an entry of the log has an unknown field or kind");
  try {
    const { incarnation, counter } = message.id ?? missing("the id");
    return {
      id: { incarnation: readId("incarnation", incarnation), counter: readNumber("counter", counter) },
      timestampMs: readNumber("timestamp", message.timestampMs),
      entry: readEntry(message.entry),
    };
  } catch (error) {
    if (error instanceof FieldProblem) throw damagedEntry(error.message);
    throw error;
  }
}

function parse(bytes: Uint8Array): Message {
  try {
    return fromBinary(LogRecordSchema, plain(bytes));
  } catch (error) {
    throw damagedEntry("it cannot be decoded", error);
  }
}

// Those of a Buffer would be Buffers, whose `slice` shares what the one of a Uint8Array copies.
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function readEntry(entry: Message["entry"]): Entry {
  switch (entry.case) {
    case "register": {
      const { client, user, nonce, previous } = entry.value;
      return {
        kind: "register",
        client: readClient(client),
        user,
        nonce: readId("nonce", nonce),
        previous: readNumber("previous", previous),
      };
    }
    case "unregister":
      return { kind: "unregister", ...readHolder(entry.value) };
    case "keepAlive": {
      const respondedTo = readNumber("responded-to", entry.value.respondedTo);
      return { kind: "keepAlive", ...readHolder(entry.value), respondedTo };
    }
    case "request": {
      const { stamp, method, payload } = entry.value;
      return { kind: "request", stamp: readStamp(stamp), method, payload };
    }
    case "refused": {
      const { stamp, status } = entry.value;
      return { kind: "refused", stamp: readStamp(stamp), status: new Uint8Array(status) };
    }
    case "intent": {
      const { stamp, method, serverId } = entry.value;
      return { kind: "intent", stamp: readStamp(stamp), method, serverId };
    }
    case "call": {
      const { user, method, payload } = entry.value;
      return { kind: "call", user, method, payload };
    }
    case "result": {
      const { intentOp, reply } = entry.value;
      return { kind: "result", intentOp: readNumber("intent op", intentOp, 1), reply: readReply(reply) };
    }
    case "verdict":
      return { kind: "verdict", intentOp: readNumber("intent op", entry.value.intentOp, 1) };
    case "expire": {
      const lastUseOp = readNumber("last-use op", entry.value.lastUseOp, 1);
      return { kind: "expire", ...readHolder(entry.value), lastUseOp };
    }
    case "serverUp":
      return { kind: "serverUp", serverId: entry.value.serverId };
    case "tick":
      return { kind: "tick", previousOp: readNumber("previous op", entry.value.previousOp) };
    case "configure": {
      const { previousOp, limits, format } = entry.value;
      const previous = readNumber("previous op", previousOp);
      return { kind: "configure", previousOp: previous, limits: readLimits(limits), format };
    }
    case "check": {
      const { op, hash } = entry.value;
      return { kind: "check", op: readNumber("op", op, 1), hash: toHex(hash) };
    }
    default:
      entry.case satisfies undefined;
      return missing("what it says");
  }
}

function readHolder(value: { readonly client: Uint8Array; readonly session: bigint }): {
  client: string;
  session: number;
} {
  return { client: readClient(value.client), session: readNumber("session", value.session, 1) };
}

function readStamp(stamp: Extract<Message["entry"], { case: "request" }>["value"]["stamp"]): AcceptedStamp {
  const { client, session, request, respondedTo, digest } = stamp ?? missing("the stamp");
  const accepted = {
    client: readClient(client),
    session: readNumber("session", session, 1),
    request: readNumber("request", request, 1),
    respondedTo: readNumber("responded-to", respondedTo),
    digest: readDigest(digest),
  };
  if (accepted.respondedTo >= accepted.request)
    throw new FieldProblem("responded-to is not below the request");
  return accepted;
}
