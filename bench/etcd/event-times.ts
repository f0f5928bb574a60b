import type { CommitLog } from "quorate/sessions";

/** When something happened to what has this id: milliseconds of a clock that all processes of a machine share. */
export type EventTime = readonly [id: number, atMs: number];

/** What one server has noted. */
export interface NotedTimes {
  /** Of what it handed to etcd. */
  readonly begun: readonly EventTime[];
  /** Of what it was given by etcd, and applied. */
  readonly seen: readonly EventTime[];
}

/** Now, by that clock. */
export function sharedClockMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** The times that a server notes, until they are asked for. */
export class EventTimes {
  #begun: EventTime[] = [];
  #seen: EventTime[] = [];

  begun(id: number, atMs: number): void {
    this.#begun.push([id, atMs]);
  }

  seen(id: number): void {
    this.#seen.push([id, sharedClockMs()]);
  }

  /** What was noted since this was called last. */
  take(): NotedTimes {
    const taken = { begun: this.#begun, seen: this.#seen };
    this.#begun = [];
    this.#seen = [];
    return taken;
  }
}

/** A log that notes when each append was called. */
export function withAppendTimes(log: CommitLog, times: EventTimes): CommitLog {
  const append = async (entry: Uint8Array): Promise<number> => {
    const atMs = sharedClockMs();
    const op = await log.append(entry);
    times.begun(op, atMs);
    return op;
  };
  return {
    maxEntryBytes: log.maxEntryBytes,
    genesis: (proposal) => log.genesis(proposal),
    append,
    tail: (options) => log.tail(options),
    entries: (from, options) => log.entries(from, options),
    saveSnapshot: (op, bytes) => log.saveSnapshot(op, bytes),
    loadSnapshot: () => log.loadSnapshot(),
    close: () => log.close(),
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  };
}

/** From the beginning at one server until it was seen at another, of all that both have noted, in milliseconds. */
export function delaysOf({ begun }: Pick<NotedTimes, "begun">, { seen }: Pick<NotedTimes, "seen">): number[] {
  const begins = new Map(begun);
  return seen.flatMap(([id, atMs]) => {
    const beganMs = begins.get(id);
    return beganMs === undefined ? [] : [atMs - beganMs];
  });
}
