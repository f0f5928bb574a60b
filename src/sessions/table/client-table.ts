import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import { toHex } from "../hex.js";
import type { Genesis } from "../record/genesis.js";
import { checkFormat } from "../record/log-format.js";
import type { LogRecord } from "../record/log-record.js";
import type { SessionLimits } from "../session-limits.js";
import { applyEntry } from "./apply-entry.js";
import { decodeSnapshot } from "./decode-snapshot.js";
import type { Effect } from "./effect.js";
import { encodeBody, encodeSnapshot, sha256 } from "./encode-snapshot.js";
import { isDue, isIdle } from "./log-age.js";
import type { MachineSnapshot } from "./machine-snapshot.js";
import type { OpenIntent } from "./open-intents.js";
import type { RunReplicated } from "./run-replicated.js";
import type { SessionView } from "./table-session.js";
import { emptyState, type TableState } from "./table-state.js";

/**
 * The state of all sessions: changed by applying the entries of the commit log, in their order, and by nothing else. No
 * clock, no randomness and no order of a hash table enters, so servers that applied the same entries have the same
 * bytes in their snapshots.
 */
export class ClientTable {
  readonly #state: TableState;
  #stopped: QuorateError | undefined;

  private constructor(state: TableState) {
    this.#state = state;
  }

  /**
   * The table before the first entry of the log.
   *
   * @throws QuorateError Unimplemented, `UNKNOWN_ENTRY`, for a format that this version does not know.
   */
  static empty(genesis: Genesis): ClientTable {
    checkFormat(genesis.format);
    return new ClientTable(emptyState(genesis));
  }

  /**
   * The table as of a snapshot of the same log, and the state machines that came with it. Errors are those of
   * `decodeSnapshot`. Open intents in it start no handler.
   */
  static restore(
    bytes: Uint8Array,
    { clusterId }: Pick<Genesis, "clusterId">,
  ): { readonly table: ClientTable; readonly machines: readonly MachineSnapshot[] } {
    const { state, machines } = decodeSnapshot(bytes, clusterId);
    return { table: new ClientTable(state), machines };
  }

  /**
   * Applies the entry at `op`; `run` is called if it is a Request or a Call that takes effect.
   *
   * What is thrown stops the server: the state is of no use any more, and every later call throws the same. Beside what
   * `run` throws: DataLoss, `LOG_REGRESSED`, for an op that is not above the last one; Unimplemented, `UNKNOWN_ENTRY`,
   * for a Configure to a format that this version does not know.
   */
  apply(op: number, { timestampMs, entry }: LogRecord, run: RunReplicated): Effect {
    if (this.#stopped !== undefined) throw this.#stopped;
    try {
      this.#advance(op, timestampMs, entry.kind !== "check");
      return applyEntry(this.#state, op, entry, run);
    } catch (error) {
      this.#stopped = QuorateError.from(error, Code.Internal);
      throw this.#stopped;
    }
  }

  /** The session of a client, as of the last entry applied. It changes with later ones. */
  session(client: string): SessionView | undefined {
    return this.#state.sessions.get(client);
  }

  /** All sessions, the one used least recently first. */
  sessions(): Iterable<SessionView> {
    return this.#state.sessions;
  }

  /** The intent that the entry at this op opened, if it is still open. */
  intent(op: number): OpenIntent | undefined {
    return this.#state.intents.get(op);
  }

  /** All open intents, in the order of their ops. */
  intents(): Iterable<OpenIntent> {
    return this.#state.intents;
  }

  /** The sessions that an Expire would end now. */
  idleSessions(): SessionView[] {
    const idle: SessionView[] = [];
    for (const session of this.#state.sessions) {
      // Those behind it were used later.
      if (!isIdle(this.#state, session)) break;
      idle.push(session);
    }
    return idle;
  }

  /** The open intents that a Verdict would close now. */
  dueIntents(): OpenIntent[] {
    return [...this.#state.intents].filter((intent) => isDue(this.#state, intent));
  }

  /** Whether there is anything that the log's age may end; without it nobody need tick. */
  get needsTicks(): boolean {
    return this.#state.sessions.size > 0 || this.#state.intents.size > 0;
  }

  /** How many sessions there are. */
  get size(): number {
    return this.#state.sessions.size;
  }

  /** Which log this is the state of. */
  get clusterId(): string {
    return this.#state.clusterId;
  }

  /** The limits as of the last entry. */
  get limits(): SessionLimits {
    return this.#state.limits;
  }

  /** The format of the log's entries. */
  get format(): number {
    return this.#state.format;
  }

  /** The op of the last entry applied, 0 for none. */
  get appliedOp(): number {
    return this.#state.appliedOp;
  }

  /** The op of the last Tick that took effect, 0 for none: what the next one names. */
  get tickOp(): number {
    return this.#state.tickOp;
  }

  /** The op of the last Configure that took effect, 0 for none: what the next one names. */
  get configureOp(): number {
    return this.#state.configureOp;
  }

  /** The log's age. */
  get ageMs(): number {
    return this.#state.ageMs;
  }

  /** The latest timestamp of an entry, as handlers see it. */
  get timestampMs(): number {
    return this.#state.timestampMs;
  }

  /** How many entries were applied, Checks not counted. */
  get entries(): number {
    return this.#state.entries;
  }

  /** The state as bytes, with that of the state machines. To be taken between two entries, in one turn with theirs. */
  snapshot(machines: readonly MachineSnapshot[]): Uint8Array {
    if (this.#stopped !== undefined) throw this.#stopped;
    return encodeSnapshot(this.#state, machines);
  }

  /** SHA-256, in hex, over the state and that of the state machines: what a Check compares. */
  hash(machines: readonly MachineSnapshot[]): string {
    return toHex(sha256(encodeBody(this.#state, machines)));
  }

  #advance(op: number, timestampMs: number, counts: boolean): void {
    const state = this.#state;
    if (!Number.isSafeInteger(op) || op <= state.appliedOp) {
      throw new QuorateError(
        Code.DataLoss,
        `quorate: the log has an entry at op ${op} behind the one at op ${state.appliedOp}`,
        { reason: "LOG_REGRESSED" },
      );
    }
    state.appliedOp = op;
    state.timestampMs = Math.max(state.timestampMs, timestampMs);
    if (counts) state.entries += 1;
  }
}
