import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import type { CommitLog, LogSnapshot } from "../commit-log/commit-log.js";
import type { SessionLogObserver } from "./session-log-types.js";

/** What a schedule of snapshots is made of. */
export interface SnapshotScheduleInit {
  readonly log: Pick<CommitLog, "saveSnapshot">;
  /** Entries from one snapshot to the next; 0 for none. */
  readonly every: number;
  /** How many entries there are already since the last one. */
  readonly since: number;
  /** Takes the snapshot, between two entries. */
  readonly take: () => LogSnapshot;
  readonly observer: Pick<SessionLogObserver, "snapshotSaved" | "snapshotFailed">;
}

/** Stores the state every so many entries, in the background, one snapshot at a time. */
export class SnapshotSchedule {
  readonly #init: SnapshotScheduleInit;
  #since: number;
  #saving: Promise<void> | undefined;

  constructor(init: SnapshotScheduleInit) {
    this.#init = init;
    this.#since = init.since;
  }

  /** To be called after each entry, before the next one. */
  applied(): void {
    this.#since += 1;
    const { every } = this.#init;
    if (every === 0 || this.#since < every || this.#saving !== undefined) return;
    this.#since = 0;
    this.#saving = this.#save().finally(() => {
      this.#saving = undefined;
    });
  }

  /** The state is that of a stored snapshot. */
  replaced(): void {
    this.#since = 0;
  }

  /** Resolves when nothing is being stored. */
  async idle(): Promise<void> {
    await this.#saving;
  }

  async #save(): Promise<void> {
    const { log, take, observer } = this.#init;
    try {
      const { op, bytes } = take();
      if (await log.saveSnapshot(op, bytes)) observer.snapshotSaved?.(op, bytes.byteLength);
    } catch (error) {
      observer.snapshotFailed?.(QuorateError.from(error, Code.Internal));
    }
  }
}
