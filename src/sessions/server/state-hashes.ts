import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import type { ClientTable } from "../table/client-table.js";
import type { MachineSnapshot } from "../table/machine-snapshot.js";

/** What a Check says. */
export interface StateHash {
  readonly op: number;
  readonly hash: string;
}

/**
 * The hashes that this server had of its last states, to be compared with those of others: servers that diverge are
 * found out. Which states are hashed is counted by the table, so it is the same ones everywhere.
 */
export class StateHashes {
  readonly #every: number;
  readonly #keep: number;
  readonly #hashes = new Map<number, string>();

  /**
   * @param options `every`: entries from one hash to the next, 0 (the default) for none; it costs a snapshot each time.
   * `keep`: how many hashes are kept, 16 by default.
   */
  constructor({ every = 0, keep = 16 }: { readonly every?: number; readonly keep?: number } = {}) {
    this.#every = every;
    this.#keep = keep;
  }

  /** To be called after each entry other than a Check. Returns the hash if one was due: it is what to propose as a Check. */
  note(table: ClientTable, machines: () => readonly MachineSnapshot[]): StateHash | undefined {
    if (this.#every === 0 || table.entries % this.#every !== 0) return undefined;
    const op = table.appliedOp;
    const hash = table.hash(machines());
    this.#hashes.set(op, hash);
    for (const old of this.#hashes.keys()) {
      if (this.#hashes.size <= this.#keep) break;
      this.#hashes.delete(old);
    }
    return { op, hash };
  }

  /**
   * Compares a Check that was applied with what this server had. Says nothing where it had none.
   *
   * @throws QuorateError DataLoss, `STATE_DIVERGED`, if they differ: this server, or the one that proposed the Check, has
   * come to another state from the same entries, and must stop.
   */
  verify({ op, hash }: StateHash): void {
    const own = this.#hashes.get(op);
    if (own === undefined || own === hash) return;
    throw new QuorateError(
      Code.DataLoss,
      `quorate: the state after op ${op} is another one here (${own}) than at the server that checks it (${hash})`,
      { reason: "STATE_DIVERGED" },
    );
  }
}
