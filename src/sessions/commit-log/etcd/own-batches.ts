/** A batch as it stands in etcd. */
export interface StoredBatch {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly modRevision: bigint;
}

/** How many are kept: a reader that is further behind is told by etcd as of all others. */
const maxKept = 4;

/**
 * The batches that this handle has put last, for its own readers: one that has read the batch before need not wait until
 * etcd tells of it.
 */
export class OwnBatches {
  /** Under the revision of the batch before. */
  readonly #kept = new Map<bigint, StoredBatch>();
  readonly #listeners = new Set<() => void>();

  /** To be called once a batch is committed. `previous` is the revision of the batch before it, whoever has put that. */
  put(previous: bigint, batch: StoredBatch): void {
    this.#kept.set(previous, batch);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > maxKept && oldest !== undefined) this.#kept.delete(oldest);
    for (const listener of this.#listeners) listener();
  }

  /** The batch that comes next after the one of this revision, if it is known here. */
  after(revision: bigint): StoredBatch | undefined {
    return this.#kept.get(revision);
  }

  /** Calls the listener at each batch that is put; returns what stops that. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
