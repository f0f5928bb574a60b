import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import type { LogSnapshot } from "../commit-log/commit-log.js";
import { logRegressed } from "../commit-log/log-errors.js";
import type { Genesis } from "../record/genesis.js";
import type { LogRecord } from "../record/log-record.js";
import { damagedSnapshot } from "../session-errors.js";
import { ClientTable } from "../table/client-table.js";
import type { Effect } from "../table/effect.js";
import { type StateHash, StateHashes } from "./state-hashes.js";
import type { StateMachines } from "./state-machines.js";

/** All that the log builds at one server: table, state machines, and the hashes that were taken of both. */
export class ReplicatedState {
  readonly #genesis: Genesis;
  readonly #machines: StateMachines;
  readonly #hashes: StateHashes;
  #table: ClientTable;
  #sinceSnapshot = 0;

  /** The state before the first entry. Errors are those of `ClientTable.empty`. */
  constructor(genesis: Genesis, machines: StateMachines, checkEvery: number) {
    this.#genesis = genesis;
    this.#machines = machines;
    this.#hashes = new StateHashes({ every: checkEvery });
    this.#table = ClientTable.empty(genesis);
  }

  /** Another one after `restore`. */
  get table(): ClientTable {
    return this.#table;
  }

  /** How many entries were applied since the snapshot that was restored last. */
  get sinceSnapshot(): number {
    return this.#sinceSnapshot;
  }

  /** Applies an entry. What it throws stops the server. */
  apply(op: number, record: LogRecord): Effect {
    this.#sinceSnapshot += 1;
    return this.#table.apply(op, record, this.#machines.run);
  }

  /**
   * To be called after each entry, before the next one: returns the hash if one was due.
   *
   * @throws QuorateError DataLoss, `STATE_DIVERGED`, if the entry is a Check that found another state here.
   */
  check(effect: Effect): StateHash | undefined {
    if (effect.kind !== "check") return this.#hashes.note(this.#table, () => this.#machines.snapshot());
    this.#hashes.verify({ op: effect.checkedOp, hash: effect.hash });
    return undefined;
  }

  /** The state as bytes. To be taken between two entries. */
  snapshot(): LogSnapshot {
    return { op: this.#table.appliedOp, bytes: this.#table.snapshot(this.#machines.snapshot()) };
  }

  /**
   * Replaces the state by that of the snapshot which the log has, because it has forgotten the entries before.
   *
   * @throws what stops the server: DataLoss, `LOG_REGRESSED`, for a snapshot that is missing or brings nothing new, or
   * that is of another log where there was a state before; else as `ClientTable.restore` and the state machines.
   */
  restore(snapshot: LogSnapshot | undefined): void {
    const { appliedOp } = this.#table;
    if (snapshot === undefined || snapshot.op <= appliedOp) {
      throw logRegressed(
        `entries above op ${appliedOp}, which is applied here, are forgotten, and the snapshot in their place ` +
          (snapshot === undefined ? "is missing" : `ends at op ${snapshot.op}`),
      );
    }
    const { table, machines } = this.#read(snapshot, appliedOp > 0);
    if (table.appliedOp !== snapshot.op) {
      throw damagedSnapshot(`it ends at op ${table.appliedOp}, and the log says ${snapshot.op}`);
    }
    this.#machines.restore(machines);
    this.#table = table;
    this.#sinceSnapshot = 0;
  }

  #read({ bytes }: LogSnapshot, hasState: boolean): ReturnType<typeof ClientTable.restore> {
    try {
      return ClientTable.restore(bytes, this.#genesis);
    } catch (thrown) {
      const error = QuorateError.from(thrown, Code.Internal);
      if (!hasState || error.reason !== "WRONG_CLUSTER") throw error;
      throw logRegressed("its snapshot is one of another cluster", error);
    }
  }
}
