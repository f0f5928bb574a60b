import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import { outsideScopes } from "../../../internal/util/async-scope.js";
import type { SessionJournal } from "./session.js";
import type { SessionState } from "./session-state.js";

/** What a {@link JournalKeeper} tells its session. */
export interface JournalListener {
  /** What was to be stored is stored; there may be more by now. */
  recorded(): void;
  failed(error: QuorateError): void;
}

/**
 * Stores a session wherever its owner says, one writing at a time, and says which request numbers stand there: no other
 * may be sent. What comes while it writes goes into the next writing, all at once. Without a journal all may be sent.
 */
export class JournalKeeper {
  readonly #write: SessionJournal | undefined;
  readonly #state: SessionState;
  readonly #listener: JournalListener;
  #recordedBelow: number;
  /** Something is not in what is stored, or being stored. */
  #outdated = false;
  #writing: object | undefined;

  constructor(write: SessionJournal | undefined, state: SessionState, listener: JournalListener) {
    this.#write = write;
    this.#state = state;
    this.#listener = listener;
    this.#recordedBelow = write === undefined ? Number.POSITIVE_INFINITY : 0;
  }

  /** Whether all that was stored is stored for good. */
  get isIdle(): boolean {
    return this.#writing === undefined;
  }

  /** Whether the number stands in what is stored. */
  covers(request: number): boolean {
    return request < this.#recordedBelow;
  }

  /** A number was given out. */
  numbered(): void {
    this.#outdated = true;
  }

  /** The session has another number: nothing is sent before that is stored. False if there is nowhere to store it. */
  registered(): boolean {
    if (this.#write === undefined) return false;
    this.#recordedBelow = 0;
    this.#outdated = true;
    // What is being stored is of before.
    if (this.#writing !== undefined) this.#writing = {};
    return true;
  }

  /** Stores what is not stored yet, unless something is being stored. */
  flush(): void {
    if (this.#write === undefined || this.#writing !== undefined || !this.#outdated) return;
    void outsideScopes((write) => this.#record(write), this.#write);
  }

  async #record(write: SessionJournal): Promise<void> {
    const writing = {};
    this.#writing = writing;
    this.#outdated = false;
    const next = this.#state.nextRequest;
    try {
      await write(this.#state.export());
    } catch (error) {
      this.#writing = undefined;
      this.#listener.failed(journalFailed(error));
      return;
    }
    const isOfNow = this.#writing === writing;
    this.#writing = undefined;
    if (isOfNow) this.#recordedBelow = next;
    this.#listener.recorded();
  }
}

function journalFailed(cause: unknown): QuorateError {
  const message = `quorate: the journal of the session could not be written: ${QuorateError.from(cause).message}`;
  return new QuorateError(Code.Internal, message, { reason: "JOURNAL_FAILED", cause });
}
