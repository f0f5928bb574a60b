import { fromBinary } from "@bufbuild/protobuf";
import { Code } from "../errors/code.js";
import { QuorateError } from "../errors/quorate-error.js";
import type { Envelope } from "./envelope.js";
import { StatusSchema } from "./gen/google/rpc/status_pb.js";
import { MessageSchema } from "./gen/stream/stream_pb.js";
import { maxCallNumber } from "./message-id.js";
import type { MetadataEntry } from "./metadata.js";
import type { Status } from "./status.js";

/**
 * Reads an envelope. The payload is a view of `bytes`, not a copy.
 *
 * The hot path knows the fields of the envelope in the form that encoders write them; whatever else a peer may
 * send (unknown fields, other wire types, a field that overruns its message) is left to protobuf-es.
 *
 * @throws QuorateError InvalidArgument, `MALFORMED_ENVELOPE`; nothing else, whatever the bytes are.
 */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  return decodeUsual(bytes) ?? decodeUnusual(bytes);
}

function decodeUsual(bytes: Uint8Array): Envelope | undefined {
  const reader = new UsualReader(bytes);
  let method = "";
  let status: Status | undefined;
  let entries: MetadataEntry[] = noEntries;
  let payload: Uint8Array = noBytes;
  let timeoutMs = 0;
  let cancel = false;
  let end = false;
  while (reader.at < bytes.length) {
    // The cases are tags: field number times eight, plus the wire type.
    switch (reader.varint32()) {
      case 0x08:
        reader.messageId();
        break;
      case 0x12:
        method = reader.string();
        break;
      case 0x1a:
        // Several status fields of one message are merged, which protobuf-es knows how to do.
        if (status !== undefined) return undefined;
        status = readStatus(reader.chunk());
        if (status === undefined) return undefined;
        break;
      case 0x22: {
        const entry = readEntry(reader.chunk());
        if (entry === undefined) return undefined;
        if (entries === noEntries) entries = [];
        entries.push(entry);
        break;
      }
      case 0x2a:
        payload = reader.chunk();
        break;
      case 0x80:
        timeoutMs = reader.varint32();
        break;
      case 0x88: {
        const flag = reader.varint32();
        if (flag > 1) return undefined;
        cancel = flag === 1;
        break;
      }
      case 0x90: {
        const flag = reader.varint32();
        if (flag > 1) return undefined;
        end = flag === 1;
        break;
      }
      default:
        return undefined;
    }
    if (reader.failed) return undefined;
  }
  const { number, serverInitiated } = reader;
  return { number, serverInitiated, method, status, entries, payload, timeoutMs, cancel, end };
}

function readStatus(bytes: Uint8Array): Status | undefined {
  try {
    return fromBinary(StatusSchema, bytes, withinEnvelope);
  } catch {
    return undefined;
  }
}

function readEntry(bytes: Uint8Array): MetadataEntry | undefined {
  const reader = new UsualReader(bytes);
  let key = "";
  let value = "";
  while (reader.at < bytes.length) {
    const tag = reader.varint32();
    if (tag === 0x0a) key = reader.string();
    else if (tag === 0x12) value = reader.string();
    else return undefined;
    if (reader.failed) return undefined;
  }
  return { key, value };
}

function decodeUnusual(bytes: Uint8Array): Envelope {
  try {
    const message = fromBinary(MessageSchema, bytes, { readUnknownFields: false });
    const serverInitiated = message.messageSeqNo >= highBit;
    const number = serverInitiated ? message.messageSeqNo - highBit : message.messageSeqNo;
    if (number > maxCallNumber) throw new RangeError(`the call number ${number} is above 2^53-1`);
    return {
      number: Number(number),
      serverInitiated,
      method: message.method,
      status: message.status,
      entries: message.entry,
      payload: message.payload,
      timeoutMs: message.timeoutMs,
      cancel: message.cancel,
      end: message.end,
    };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new QuorateError(Code.InvalidArgument, `malformed envelope (${bytes.length} bytes): ${text}`, {
      reason: "MALFORMED_ENVELOPE",
      cause: error,
    });
  }
}

const highBit = 1n << 63n;
// As if read as a field of the envelope: one level of the usual recursion limit of 100 is used up.
const withinEnvelope = { readUnknownFields: false, recursionLimit: 99 };
const noBytes = new Uint8Array(0);
const noEntries: MetadataEntry[] = [];
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads what is usual. After anything else `failed` is set, and what was read means nothing. */
class UsualReader {
  readonly #bytes: Uint8Array;
  at = 0;
  failed = false;
  number = 0;
  serverInitiated = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  varint32(): number {
    const bytes = this.#bytes;
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = bytes[this.at++];
      if (byte === undefined) return this.#fail();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    const last = bytes[this.at++];
    if (last === undefined || last > 0x0f) return this.#fail();
    return (value | (last << 28)) >>> 0;
  }

  messageId(): void {
    const bytes = this.#bytes;
    let value = 0;
    let scale = 1;
    for (let group = 0; group < 9; group++, scale *= 0x80) {
      const byte = bytes[this.at++];
      if (byte === undefined) return void this.#fail();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return this.#setMessageId(value, false);
    }
    const last = bytes[this.at++];
    // The tenth byte holds the high bit alone; above one, the number has more than 64 bits.
    if (last !== 0 && last !== 1) return void this.#fail();
    this.#setMessageId(value, last === 1);
  }

  chunk(): Uint8Array {
    const length = this.varint32();
    const start = this.at;
    this.at += length;
    if (this.failed || this.at > this.#bytes.length) {
      this.failed = true;
      return noBytes;
    }
    return length === 0 ? noBytes : this.#bytes.subarray(start, this.at);
  }

  string(): string {
    const chunk = this.chunk();
    let text = "";
    if (chunk.length <= 128) {
      for (const byte of chunk) {
        if (byte > 0x7f) return this.#decodeUtf8(chunk);
        text += String.fromCharCode(byte);
      }
      return text;
    }
    return this.#decodeUtf8(chunk);
  }

  #setMessageId(value: number, serverInitiated: boolean): void {
    if (value > maxCallNumber) return void this.#fail();
    this.number = value;
    this.serverInitiated = serverInitiated;
  }

  #decodeUtf8(chunk: Uint8Array): string {
    try {
      return utf8.decode(chunk);
    } catch {
      this.failed = true;
      return "";
    }
  }

  #fail(): 0 {
    this.failed = true;
    return 0;
  }
}
