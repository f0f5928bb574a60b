import type { SessionEvent } from "./session.js";

/** The events of a session, for any number of readers at their own pace. */
export class SessionEvents implements AsyncIterable<SessionEvent> {
  readonly #maxQueued: number;
  readonly #readers = new Set<EventReader>();
  #last: SessionEvent | undefined;

  constructor(maxQueued: number) {
    this.#maxQueued = maxQueued;
  }

  /** Tells all readers. Nothing comes behind `ended`. */
  emit(event: SessionEvent): void {
    this.#last = event;
    for (const reader of this.#readers) reader.push(event);
    if (event.kind === "ended") this.#readers.clear();
  }

  /** A reader that begins with the last event: that is what holds. */
  [Symbol.asyncIterator](): AsyncIterator<SessionEvent, undefined> {
    const reader: EventReader = new EventReader(this.#maxQueued, () => this.#readers.delete(reader));
    if (this.#last !== undefined) reader.push(this.#last);
    if (this.#last?.kind !== "ended") this.#readers.add(reader);
    return reader;
  }
}

type EventResult = IteratorResult<SessionEvent, undefined>;

class EventReader implements AsyncIterator<SessionEvent, undefined> {
  readonly #maxQueued: number;
  readonly #left: () => void;
  #queued: SessionEvent[] = [];
  #missed = 0;
  #waiting: ((result: EventResult) => void)[] = [];
  #over = false;

  constructor(maxQueued: number, left: () => void) {
    this.#maxQueued = maxQueued;
    this.#left = left;
  }

  push(event: SessionEvent): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) {
      this.#queued.push(event);
      if (this.#queued.length > this.#maxQueued) {
        this.#queued.shift();
        this.#missed += 1;
      }
      return;
    }
    waiting({ done: false, value: event });
    if (event.kind === "ended") this.#end();
  }

  next(): Promise<EventResult> {
    if (this.#missed > 0) {
      const events = this.#missed;
      this.#missed = 0;
      return Promise.resolve({ done: false, value: { kind: "missed", events } });
    }
    const value = this.#queued.shift();
    if (value !== undefined) {
      if (value.kind === "ended") this.#end();
      return Promise.resolve({ done: false, value });
    }
    if (this.#over) return Promise.resolve(over);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  return(): Promise<EventResult> {
    this.#left();
    this.#queued = [];
    this.#missed = 0;
    this.#end();
    return Promise.resolve(over);
  }

  #end(): void {
    this.#over = true;
    for (const waiting of this.#waiting.splice(0)) waiting(over);
  }
}

const over: EventResult = { done: true, value: undefined };
