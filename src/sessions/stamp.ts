import { Metadata, type MetadataEntry } from "../../internal/wire/metadata.js";
import { isClientId } from "./client-id.js";
import { badStamp } from "./session-errors.js";

/** The metadata key of the stamp of a request. */
export const stampKey = "quorate-session";

/** The metadata key of the stamp of a read. */
export const readStampKey = "quorate-session-read";

/** The metadata key of the op of an answer. */
export const opKey = "quorate-op";

/** What a client says of a request of its session. */
export interface RequestStamp {
  /** The client id, in 32 lower-case hex digits. */
  readonly client: string;
  /** The session number under which it is sent. */
  readonly session: number;
  /** 1, 2, 3, ... within the client id. */
  readonly request: number;
  /** The client has consumed the replies up to this number, which is below `request`. */
  readonly respondedTo: number;
}

/** What a client says of a read of its session. It has no number: nothing is appended for it. */
export interface ReadStamp {
  readonly client: string;
  readonly session: number;
  /** The highest op of an answer that the session has seen, 0 for none. */
  readonly lastOp: number;
}

/** The stamp that a call carries. */
export type Stamp =
  | { readonly kind: "none" }
  | ({ readonly kind: "request" } & RequestStamp)
  | ({ readonly kind: "read" } & ReadStamp);

/** The metadata value of a request's stamp. */
export function formatRequestStamp({ client, session, request, respondedTo }: RequestStamp): string {
  return `${client}.${session}.${request}.${respondedTo}`;
}

/** The metadata value of a read's stamp. */
export function formatReadStamp({ client, session, lastOp }: ReadStamp): string {
  return `${client}.${session}.${lastOp}`;
}

/**
 * The stamp in the metadata of a call, whose keys may be in any case.
 *
 * @throws QuorateError InvalidArgument, `BAD_STAMP`, for more than one stamp, one that is not in canonical form, a client
 * id or a session number of zero, a request number of zero, or a responded-to that is not below it.
 */
export function readStamp(entries: readonly MetadataEntry[]): Stamp {
  let stamp: MetadataEntry | undefined;
  let isRead = false;
  for (const entry of entries) {
    const key = entry.key.toLowerCase();
    if (key !== stampKey && key !== readStampKey) continue;
    if (stamp !== undefined) throw badStamp("a call has one stamp at most");
    stamp = entry;
    isRead = key === readStampKey;
  }
  if (stamp === undefined) return { kind: "none" };
  if (isRead) return { kind: "read", ...parseReadStamp(stamp.value) };
  return { kind: "request", ...parseRequestStamp(stamp.value) };
}

/** Whether there is a stamp in it, of whichever kind and form. */
export function hasStamp(metadata: Metadata): boolean {
  return metadata.has(stampKey) || metadata.has(readStampKey);
}

/** The metadata without stamps, as handlers see it. */
export function withoutStamps(metadata: Metadata): Metadata {
  if (!hasStamp(metadata)) return metadata;
  return Metadata.fromEntries(
    metadata.entries().filter(({ key }) => key !== stampKey && key !== readStampKey),
  );
}

/** The op that an answer carries, or undefined if it has none or one that is no op: then it stands for no entry. */
export function readOp(metadata: Metadata): number | undefined {
  const [text, ...more] = metadata.getAll(opKey);
  const op = text === undefined || more.length > 0 ? undefined : parseNumber(text);
  return op === 0 ? undefined : op;
}

function parseRequestStamp(text: string): RequestStamp {
  const [client = "", ...numbers] = text.split(".");
  const [session = 0, request = 0, respondedTo = 0] = parseNumbers(client, numbers, 3);
  if (session === 0) throw badStamp("its session number is 0");
  if (request === 0) throw badStamp("its request number is 0");
  if (respondedTo >= request) throw badStamp("its responded-to is not below its request number");
  return { client, session, request, respondedTo };
}

function parseReadStamp(text: string): ReadStamp {
  const [client = "", ...numbers] = text.split(".");
  const [session = 0, lastOp = 0] = parseNumbers(client, numbers, 2);
  if (session === 0) throw badStamp("its session number is 0");
  return { client, session, lastOp };
}

// What was sent is not repeated in the error: it may be the only secret that the client has.
function parseNumbers(client: string, texts: readonly string[], count: number): number[] {
  if (!isClientId(client)) throw badStamp("its client id is not 32 lower-case hex digits, or zero");
  if (texts.length !== count) throw badStamp(`it has not ${count} numbers behind the client id`);
  return texts.map((text) => {
    const number = parseNumber(text);
    if (number === undefined)
      throw badStamp("a number of it is not in canonical decimal form, or above 2^53-1");
    return number;
  });
}

/** By hand, as it is done for every request: canonical decimal, up to 2^53-1. */
function parseNumber(text: string): number | undefined {
  const { length } = text;
  if (length === 0 || length > 16 || (length > 1 && text.charCodeAt(0) === zero)) return undefined;
  let number = 0;
  for (let at = 0; at < length; at++) {
    const digit = text.charCodeAt(at) - zero;
    if (digit < 0 || digit > 9) return undefined;
    number = number * 10 + digit;
  }
  return Number.isSafeInteger(number) ? number : undefined;
}

const zero = 48;
