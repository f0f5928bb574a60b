import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import { messageTooLarge } from "../../../internal/stream/message-size.js";
import { Fifo } from "../../../internal/util/fifo.js";
import { Metadata } from "../../../internal/wire/metadata.js";
import { requestTooLarge } from "../session-errors.js";
import { formatReadStamp, formatRequestStamp, readStampKey, stampKey } from "../stamp.js";
import type { AwaitedRequest } from "./awaited-request.js";
import { sessionEnded } from "./client-errors.js";
import type { RecoveredCall } from "./recovered-call.js";
import type { RequestFailure } from "./request-ledger.js";
import type { RequestSender } from "./request-sender.js";
import type { SessionSnapshot } from "./session.js";
import { SessionCall } from "./session-call.js";
import type { JournalKeeper } from "./session-journal.js";
import type { SessionState } from "./session-state.js";

/** What the requests of a session are sent with. */
export interface SessionRequestsInit {
  readonly state: SessionState;
  readonly sender: RequestSender;
  readonly journal: JournalKeeper;
  readonly maxWaiting: number;
  /** Bytes of one envelope on the connection. */
  readonly maxMessageBytes: number;
  /** What a restored session has to finish. */
  readonly recovered: readonly RecoveredCall[];
}

/**
 * The requests of a session that are not answered yet: those that wait for a number, those that have one, and the reads.
 * Written in the order of their numbers whenever the session is bound and nothing holds them back.
 */
export class SessionRequests {
  readonly #state: SessionState;
  readonly #sender: RequestSender;
  readonly #journal: JournalKeeper;
  readonly #maxWaiting: number;
  readonly #maxMessageBytes: number;
  readonly #waiting = new Fifo<SessionCall>();
  readonly #numbered: Map<number, AwaitedRequest>;
  readonly #reads = new Set<SessionCall>();
  /** Reads that are to be written, or written again. */
  readonly #unwrittenReads = new Set<SessionCall>();
  /** The highest number that was written, here or, of a restored session, perhaps elsewhere. */
  #written: number;
  #resent = 0;
  /** While it backs off nothing is written. */
  #held = false;

  constructor({ state, sender, journal, recovered, ...bounds }: SessionRequestsInit) {
    this.#state = state;
    this.#sender = sender;
    this.#journal = journal;
    this.#maxWaiting = bounds.maxWaiting;
    this.#maxMessageBytes = bounds.maxMessageBytes;
    this.#numbered = new Map(recovered.map((call) => [call.request, call]));
    this.#written = Math.max(0, ...this.#numbered.keys());
  }

  /** Whether nothing is unanswered. */
  get isEmpty(): boolean {
    return this.#numbered.size === 0 && this.#waiting.length === 0 && this.#reads.size === 0;
  }

  get counts(): Omit<SessionSnapshot, "session"> {
    const waiting = this.#waiting.length + this.#reads.size;
    return { unanswered: this.#numbered.size, waiting, resent: this.#resent };
  }

  /** Takes a call, and writes it at once if it may be. */
  add(call: SessionCall): void {
    const refusal = this.#tooLarge(call);
    if (refusal !== undefined) {
      call.failed(refusal);
    } else if (this.#waiting.length + this.#unwrittenReads.size >= this.#maxWaiting) {
      call.failed(queueFull(this.#maxWaiting));
    } else {
      if (call.readOnly) {
        this.#reads.add(call);
        this.#unwrittenReads.add(call);
      } else this.#waiting.push(call);
      this.write();
    }
  }

  /** The caller waits no longer: what has no number is forgotten, what has one goes on. */
  leave(call: SessionCall): void {
    this.#forgetRead(call);
    this.#waiting.retain((waiting) => waiting !== call);
  }

  /** An answer has come. */
  completed(awaited: AwaitedRequest, request: number | undefined): void {
    if (request !== undefined) this.#numbered.delete(request);
    else if (awaited instanceof SessionCall) this.#forgetRead(awaited);
  }

  /** Writes nothing until {@link rewrite}. */
  hold(): void {
    this.#held = true;
  }

  /** What was refused is to be written again; of requests with numbers all are, of reads this one. */
  refused(awaited: AwaitedRequest): void {
    if (awaited instanceof SessionCall && this.#reads.has(awaited)) this.#unwrittenReads.add(awaited);
  }

  /** Where it was written nobody answers any more; reads wait again. */
  unbound(): void {
    for (const read of this.#reads) this.#unwrittenReads.add(read);
  }

  /** Goes on writing: what is to be written again, and then what is new. */
  rewrite(): void {
    this.#held = false;
    this.write();
  }

  /** Writes what may be written now: what has its number, then what waits for one, as far as the window goes. */
  write(): void {
    while (this.#mayWrite) {
      const next = this.#state.nextToWrite();
      if (next !== undefined && this.#journal.covers(next.request)) this.#send(next.request);
      else if (!this.#giveNumber()) break;
    }
    if (this.#mayWrite) this.#journal.flush();
    for (const read of this.#unwrittenReads) {
      // What is sent may fail, and end or hold up the session, at once.
      if (!this.#mayWrite) return;
      this.#unwrittenReads.delete(read);
      const stamp = formatReadStamp(this.#state.readStamp());
      this.#sender.send(read, undefined, stamped(readStampKey, stamp, read.metadata));
    }
  }

  /** The session has ended: what waits for a number was not applied, and the state says what became of the others. */
  giveUp(failures: readonly RequestFailure[], cause: QuorateError | undefined): void {
    const numbered = new Map(this.#numbered);
    const rest = [...this.#waiting.drain(), ...this.#reads];
    this.#numbered.clear();
    this.#reads.clear();
    this.#unwrittenReads.clear();
    for (const { request, error } of failures) numbered.get(request)?.failed(error);
    const notApplied = "the session has ended before the request was sent: it was not applied";
    for (const call of rest) call.failed(sessionEnded(notApplied, cause));
  }

  /** Before it has a number: one that cannot be sent would be a gap. */
  #tooLarge(call: SessionCall): QuorateError | undefined {
    const size = call.payload.length;
    const { maxRequestBytes = size } = this.#state.limits ?? {};
    if (size > maxRequestBytes) return requestTooLarge(size, maxRequestBytes);
    const inAll = sizeInEnvelope(call);
    return inAll > this.#maxMessageBytes
      ? messageTooLarge("request", inAll, this.#maxMessageBytes)
      : undefined;
  }

  get #mayWrite(): boolean {
    return !this.#held && this.#sender.stream !== undefined && this.#state.isBound;
  }

  /** False if there is none to give one to, or no room, or if it must be stored first what has one. */
  #giveNumber(): boolean {
    if (!this.#journal.isIdle || !this.#state.hasRoom) return false;
    const call = this.#waiting.shift();
    if (call === undefined) return false;
    try {
      this.#numbered.set(this.#state.start(call), call);
      this.#journal.numbered();
    } catch (error) {
      // The limits have changed since it was made.
      call.failed(QuorateError.from(error));
    }
    return true;
  }

  #send(request: number): void {
    const awaited = this.#numbered.get(request);
    const stamp = formatRequestStamp(this.#state.requestStamp(request));
    this.#state.wrote(request);
    if (request <= this.#written) this.#resent += 1;
    else this.#written = request;
    if (awaited !== undefined)
      this.#sender.send(awaited, request, stamped(stampKey, stamp, awaited.metadata));
  }

  #forgetRead(read: SessionCall): void {
    this.#reads.delete(read);
    this.#unwrittenReads.delete(read);
  }
}

/** At most so many bytes has the envelope of a request, whatever its stamp. */
export function sizeInEnvelope({ method, payload, metadata }: AwaitedRequest): number {
  let size = payload.length + Buffer.byteLength(method) + stampAndHeadBytes;
  for (const { key, value } of metadata.entries()) {
    size += Buffer.byteLength(key) + Buffer.byteLength(value) + entryHeadBytes;
  }
  return size;
}

/** Tags and lengths, call number, deadline; and a stamp, with three numbers of up to 16 digits. */
const stampAndHeadBytes = 256;
const entryHeadBytes = 18;

function stamped(key: string, stamp: string, metadata: Metadata): Metadata {
  return Metadata.fromEntries([{ key, value: stamp }]).join(metadata);
}

function queueFull(maxWaiting: number): QuorateError {
  const message = `quorate: ${maxWaiting} calls of the session wait already (maxWaiting)`;
  return new QuorateError(Code.ResourceExhausted, message, { reason: "SESSION_QUEUE_FULL" });
}
