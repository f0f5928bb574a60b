import { Code } from "../../../internal/errors/code.js";
import { invalidArgument, QuorateError } from "../../../internal/errors/quorate-error.js";
import { clientIdOf, idBytes } from "../client-id.js";
import { crc32c } from "../commit-log/crc32c.js";
import { fromHex, toHex } from "../hex.js";
import type { NumberedRequest } from "./request-ledger.js";

/** What of a session outlives its process: who it is, and what is unanswered. Never credentials. */
export interface SessionRecord {
  /** The client id, in 32 lower-case hex digits. */
  readonly client: string;
  /** 32 lower-case hex digits. */
  readonly clusterId: string;
  readonly session: number;
  readonly created: number;
  /** The highest request number that is known to be applied. */
  readonly applied: number;
  readonly lastOp: number;
  readonly next: number;
  /** In the order of their numbers, all below `next`. Those below it that are not here are answered. */
  readonly unanswered: readonly NumberedRequest[];
}

/**
 * A session as bytes. Payloads stand in them as they are: whoever can read the bytes can read them.
 *
 * `QSES`, the format version (1 byte), client id, cluster id (16 each), session, created, applied, last op, next (u64
 * each), the count of requests (u32), each of them (number u64, method with its length as u16, payload with its length as
 * u32), and the CRC-32C of all that. Numbers are big-endian.
 */
export function encodeSession(record: SessionRecord): Uint8Array {
  const requests = record.unanswered.map(({ request, method, payload }) => ({
    request,
    method: new TextEncoder().encode(method),
    payload,
  }));
  let length = headBytes + crcBytes;
  for (const { method, payload } of requests) length += requestBytes + method.length + payload.length;
  const writer = new Writer(length);
  writer.bytes(magic);
  writer.uint8(version);
  writer.bytes(fromHex(record.client));
  writer.bytes(fromHex(record.clusterId));
  for (const key of counters) writer.uint64(record[key]);
  writer.uint32(requests.length);
  for (const { request, method, payload } of requests) {
    writer.uint64(request);
    writer.uint16(method.length);
    writer.bytes(method);
    writer.uint32(payload.length);
    writer.bytes(payload);
  }
  return writer.finish();
}

/**
 * The session that {@link encodeSession} wrote.
 *
 * @throws QuorateError InvalidArgument, `BAD_SESSION_BYTES`, for bytes that are torn, damaged, of another version or of
 * something else, or that contradict themselves.
 */
export function decodeSession(bytes: Uint8Array): SessionRecord {
  if (!(bytes instanceof Uint8Array)) throw invalidArgument("an exported session is a Uint8Array");
  if (Buffer.compare(bytes.subarray(0, magic.length), magic) !== 0) throw bad("they are no exported session");
  const found = bytes[magic.length];
  if (found !== undefined && found !== version) throw bad(`their format is ${found}; this is ${version}`);
  if (bytes.length < headBytes + crcBytes) throw bad("they are cut off");
  const end = bytes.length - crcBytes;
  const reader = new Reader(bytes, end);
  if (crc32c(bytes.subarray(0, end)) !== reader.view.getUint32(end)) throw bad("their checksum is wrong");
  reader.take(magic.length + 1);
  const client = clientIdOf(reader.take(idBytes));
  if (client === undefined) throw bad("their client id is 0");
  const clusterId = toHex(reader.take(idBytes));
  const [session, created, applied, lastOp, next] = counters.map(() => reader.uint64());
  const head = { session, created, applied, lastOp, next } as Readonly<Record<Counter, number>>;
  const record = { client, clusterId, ...head, unanswered: readRequests(reader) };
  const flaw = flawOf(record);
  if (flaw !== undefined) throw bad(flaw);
  return record;
}

function readRequests(reader: Reader): NumberedRequest[] {
  const count = reader.uint32();
  const requests: NumberedRequest[] = [];
  for (let at = 0; at < count; at++) {
    const request = reader.uint64();
    const method = textOf(reader.take(reader.uint16()));
    requests.push({ request, method, payload: reader.take(reader.uint32()).slice() });
  }
  if (reader.left > 0) throw bad(`${reader.left} bytes are left over`);
  return requests;
}

function flawOf(record: SessionRecord): string | undefined {
  const { session, created, applied, lastOp, next, unanswered } = record;
  if (created < 1 || session < created || lastOp < session) {
    return `created ${created}, session ${session} and last op ${lastOp} contradict each other`;
  }
  if (applied >= next) return `request ${applied} was applied, and ${next} is the next one`;
  let before = 0;
  for (const { request, method } of unanswered) {
    if (request <= before || request >= next)
      return `request ${request} stands behind ${before}, next is ${next}`;
    if (method === "") return `request ${request} has no method`;
    before = request;
  }
  return undefined;
}

const magic = Buffer.from("QSES", "latin1");
const version = 1;
const crcBytes = 4;
/** Number and two lengths. */
const requestBytes = 8 + 2 + 4;
const counters = ["session", "created", "applied", "lastOp", "next"] as const;
const headBytes = magic.length + 1 + 2 * idBytes + 8 * counters.length + 4;

type Counter = (typeof counters)[number];

class Writer {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(length: number) {
    this.#buffer = Buffer.alloc(length);
  }

  uint8(value: number): void {
    this.#at = this.#buffer.writeUInt8(value, this.#at);
  }

  uint16(value: number): void {
    this.#at = this.#buffer.writeUInt16BE(value, this.#at);
  }

  uint32(value: number): void {
    this.#at = this.#buffer.writeUInt32BE(value, this.#at);
  }

  uint64(value: number): void {
    this.#at = this.#buffer.writeBigUInt64BE(BigInt(value), this.#at);
  }

  bytes(bytes: Uint8Array): void {
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  finish(): Uint8Array {
    this.uint32(crc32c(this.#buffer.subarray(0, this.#at)));
    return new Uint8Array(this.#buffer.buffer, this.#buffer.byteOffset, this.#buffer.length);
  }
}

class Reader {
  readonly view: DataView;
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at = 0;

  constructor(bytes: Uint8Array, end: number) {
    // Of a Buffer, `slice` would share what that of a Uint8Array copies.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = end;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.#end - this.#at;
  }

  take(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  uint16(): number {
    return this.view.getUint16(this.#advance(2));
  }

  uint32(): number {
    return this.view.getUint32(this.#advance(4));
  }

  uint64(): number {
    const value = this.view.getBigUint64(this.#advance(8));
    if (value > Number.MAX_SAFE_INTEGER) throw bad(`${value} is above 2^53-1`);
    return Number(value);
  }

  #advance(length: number): number {
    if (length > this.left) throw bad(`${length} bytes are asked for where ${this.left} are left`);
    const start = this.#at;
    this.#at += length;
    return start;
  }
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw bad("a method is no UTF-8", error);
  }
}

function bad(why: string, cause?: unknown): QuorateError {
  const message = `quorate: these bytes are no session that can be restored: ${why}`;
  return new QuorateError(Code.InvalidArgument, message, { reason: "BAD_SESSION_BYTES", cause });
}
