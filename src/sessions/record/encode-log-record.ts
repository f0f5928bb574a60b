import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  LogRecordSchema,
  type ReplySchema,
  type RequestStampSchema,
  type LogRecordSchema as Schema,
} from "../gen/quorate/session/v1/log_record_pb.js";
import { fromHex } from "../hex.js";
import type { Reply } from "../reply.js";
import { encodeRequestRecord } from "./encode-request-record.js";
import type { AcceptedStamp, Entry, LogRecord, RequestEntry } from "./log-record.js";

/** The bytes of an entry, as the commit log has them. */
export function encodeLogRecord({ id, timestampMs, entry }: LogRecord): Uint8Array {
  if (entry.kind === "request") return encodeRequestRecord(id, timestampMs, entry);
  const init: MessageInitShape<typeof Schema> = {
    id: { incarnation: fromHex(id.incarnation), counter: BigInt(id.counter) },
    timestampMs: BigInt(timestampMs),
    entry: entryInit(entry),
  };
  return toBinary(LogRecordSchema, create(LogRecordSchema, init));
}

/** A reply as a message. */
export function replyInit({ kind, bytes }: Reply): MessageInitShape<typeof ReplySchema> {
  return { outcome: { case: kind, value: bytes } };
}

function entryInit(
  entry: Exclude<Entry, RequestEntry>,
): NonNullable<MessageInitShape<typeof Schema>["entry"]> {
  switch (entry.kind) {
    case "register": {
      const { user } = entry;
      const ids = { client: fromHex(entry.client), nonce: fromHex(entry.nonce) };
      return { case: "register", value: { ...ids, user, previous: BigInt(entry.previous) } };
    }
    case "unregister":
      return { case: "unregister", value: holder(entry) };
    case "keepAlive":
      return { case: "keepAlive", value: { ...holder(entry), respondedTo: BigInt(entry.respondedTo) } };
    case "refused":
      return { case: "refused", value: { stamp: stampInit(entry.stamp), status: entry.status } };
    case "intent":
      return {
        case: "intent",
        value: { stamp: stampInit(entry.stamp), method: entry.method, serverId: entry.serverId },
      };
    case "call":
      return { case: "call", value: { user: entry.user, method: entry.method, payload: entry.payload } };
    case "result":
      return { case: "result", value: { intentOp: BigInt(entry.intentOp), reply: replyInit(entry.reply) } };
    case "verdict":
      return { case: "verdict", value: { intentOp: BigInt(entry.intentOp) } };
    case "expire":
      return { case: "expire", value: { ...holder(entry), lastUseOp: BigInt(entry.lastUseOp) } };
    case "serverUp":
      return { case: "serverUp", value: { serverId: entry.serverId } };
    case "tick":
      return { case: "tick", value: { previousOp: BigInt(entry.previousOp) } };
    case "configure": {
      const { limits, format } = entry;
      return { case: "configure", value: { previousOp: BigInt(entry.previousOp), limits, format } };
    }
    default:
      return { case: "check", value: { op: BigInt(entry.op), hash: fromHex(entry.hash) } };
  }
}

function holder({ client, session }: { readonly client: string; readonly session: number }): {
  client: Uint8Array;
  session: bigint;
} {
  return { client: fromHex(client), session: BigInt(session) };
}

function stampInit(stamp: AcceptedStamp): MessageInitShape<typeof RequestStampSchema> {
  return {
    client: fromHex(stamp.client),
    session: BigInt(stamp.session),
    request: BigInt(stamp.request),
    respondedTo: BigInt(stamp.respondedTo),
    digest: fromHex(stamp.digest),
  };
}
