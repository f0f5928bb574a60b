import type { ReplicateOptions, StateMachine } from "quorate/sessions";
import { revisionAt } from "../../src/sessions/commit-log/etcd/etcd-keys.js";
import type { StoredValue as StoredValueService } from "./gen/bench/etcd/v1/value_quorate.js";

/** Told of each write that is applied, with its position in the log. */
export type WriteApplied = (op: number) => void;

/** A state machine that does as little as one can: it keeps the last value, and counts. */
export class StoredValue {
  readonly #applied: WriteApplied;
  #bytes: Uint8Array = new Uint8Array(0);
  #writes = 0;
  #batches = 0;
  #lastRevision = 0;

  constructor(applied: WriteApplied = () => {}) {
    this.#applied = applied;
  }

  /** What was written last. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Writes that were applied here. */
  get writes(): number {
    return this.#writes;
  }

  /** Transactions of etcd that those came in. */
  get batches(): number {
    return this.#batches;
  }

  /** The replicated service. */
  readonly handlers: StateMachine<typeof StoredValueService> = {
    write: ({ bytes }, { op }) => {
      this.#bytes = bytes;
      this.#count(op);
      this.#applied(op);
      return {};
    },
    read: () => ({ bytes: this.#bytes }),
    readLocal: () => ({ bytes: this.#bytes }),
  };

  /** How its state is kept. */
  readonly options: ReplicateOptions<"readLocal"> = {
    consistency: { readLocal: "local" },
    snapshot: () => this.#bytes,
    restore: (bytes) => {
      this.#bytes = bytes;
    },
  };

  #count(op: number): void {
    const revision = revisionAt(op);
    if (revision !== this.#lastRevision) this.#batches += 1;
    this.#lastRevision = revision;
    this.#writes += 1;
  }
}
