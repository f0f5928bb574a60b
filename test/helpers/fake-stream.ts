import { Code } from "../../internal/errors/code.js";
import type { QuorateError } from "../../internal/errors/quorate-error.js";
import type { BidiStream, BidiStreamEvents, StreamStatus } from "../../internal/stream/bidi-stream.js";
import { featuresHeader, ownFeatures } from "../../internal/stream/features.js";
import { decodeEnvelope } from "../../internal/wire/decode-envelope.js";
import { encodeBody, encodeEnvelope } from "../../internal/wire/encode-envelope.js";
import type { Envelope } from "../../internal/wire/envelope.js";
import { Metadata, type MetadataEntry } from "../../internal/wire/metadata.js";
import { statusFromError } from "../../internal/wire/status.js";

/** The initial headers of a peer that takes all our extensions. */
export const ourHeaders: Metadata = Metadata.from({ [featuresHeader]: ownFeatures });

/** What {@link message} puts into an envelope. */
export interface MessageFields {
  readonly number: number;
  readonly serverInitiated?: boolean;
  readonly method?: string;
  readonly payload?: string;
  readonly error?: QuorateError;
  readonly entries?: readonly MetadataEntry[];
  readonly timeoutMs?: number;
}

/** An envelope as a peer would send it. */
export function message(fields: MessageFields): Uint8Array {
  const { number, serverInitiated = false, method = "test.Test.Method", payload = "", timeoutMs } = fields;
  const status = fields.error === undefined ? undefined : statusFromError(fields.error);
  const body = encodeBody({
    method,
    status,
    entries: fields.entries ?? [],
    payload: new TextEncoder().encode(payload),
  });
  return encodeEnvelope(number, serverInitiated, body, timeoutMs);
}

/** The payload of an envelope or of a request, as text. */
export function textOf({ payload }: { readonly payload: Uint8Array }): string {
  return new TextDecoder().decode(payload);
}

/**
 * A stream driven by hand. It holds its users to the contract: one message at a time, and nothing after the end.
 */
export class FakeStream implements BidiStream {
  /** Confirm every write in the call that makes it. */
  readonly #confirmAll: boolean;
  readonly #writes: Uint8Array[] = [];
  #looked = 0;
  #events: BidiStreamEvents | undefined;
  #confirm: (() => void) | undefined;
  #told = false;
  /** Whether reading is on. */
  reading = true;
  /** What the stream was asked to end with. */
  endedWith: StreamStatus | undefined;
  /** What the stream was given up with. */
  canceled: StreamStatus | undefined;

  constructor({ confirmAll = true }: { readonly confirmAll?: boolean } = {}) {
    this.#confirmAll = confirmAll;
  }

  open(events: BidiStreamEvents): void {
    if (this.#events !== undefined) throw new Error("opened twice");
    this.#events = events;
  }

  write(bytes: Uint8Array, written: () => void): void {
    if (this.#confirm !== undefined) throw new Error("a second message before the first was written");
    if (this.over) throw new Error("a write after the end");
    this.#writes.push(Uint8Array.from(bytes));
    this.#confirm = written;
    if (this.#confirmAll) this.confirm();
  }

  setReading(on: boolean): void {
    if (this.#told) throw new Error("reading was switched after the end");
    this.reading = on;
  }

  end(status: StreamStatus): void {
    if (this.#confirm !== undefined) throw new Error("an end before the last message was written");
    if (this.over) throw new Error("a second end");
    this.endedWith = status;
  }

  cancel(status: StreamStatus): void {
    this.canceled = status;
    this.#told = true;
  }

  /** Whether this side ended or canceled the stream, or its end was told. */
  get over(): boolean {
    return this.endedWith !== undefined || this.#told;
  }

  /** Whether a write waits to be confirmed. */
  get writing(): boolean {
    return this.#confirm !== undefined;
  }

  /** The envelopes that were written since the last look. */
  take(): Envelope[] {
    return this.takeBytes().map((bytes) => decodeEnvelope(bytes));
  }

  /** As {@link take}, as they were written. */
  takeBytes(): Uint8Array[] {
    const writes = this.#writes.slice(this.#looked);
    this.#looked = this.#writes.length;
    return writes;
  }

  /** Bytes of the last write. */
  get lastBytes(): Uint8Array {
    return this.#writes.at(-1) ?? new Uint8Array(0);
  }

  /** The transport has taken the message that is being written. */
  confirm(): void {
    const confirm = this.#confirm;
    if (confirm === undefined) throw new Error("nothing is being written");
    this.#confirm = undefined;
    confirm();
  }

  /** The initial headers of the peer arrive. */
  accept(headers: Metadata = ourHeaders): void {
    this.#events?.accepted(headers);
  }

  /** A message of the peer arrives, whatever was asked about reading: one may be under way. */
  deliver(fields: MessageFields | Uint8Array): void {
    this.#events?.message(fields instanceof Uint8Array ? fields : message(fields));
  }

  /** The peer sends no more. */
  halfClose(): void {
    this.#events?.halfClosed();
  }

  /** The stream is over. */
  finish(code: Code = Code.Unavailable, text = "the connection broke"): void {
    this.#told = true;
    this.#events?.ended({ code, message: code === Code.Ok ? "" : text });
  }
}
