import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import { withinTime } from "../../../internal/util/within-time.js";
import type { CommitLog, LogEntry, LogSnapshot } from "../commit-log/commit-log.js";
import { decodeLogRecord } from "../record/decode-log-record.js";
import type { Entry } from "../record/log-record.js";
import { refusal } from "../session-errors.js";
import type { ClientTable } from "../table/client-table.js";
import type { Effect } from "../table/effect.js";
import { type AppliedWait, AppliedWaits } from "./applied-waits.js";
import { Barrier } from "./barrier.js";
import { followLog } from "./follow-log.js";
import { sessionsStopped } from "./log-end-errors.js";
import { LogTicker } from "./log-ticker.js";
import { boundsOf, openState } from "./open-state.js";
import { Proposals } from "./proposals.js";
import type { AfterEntry } from "./read-entries.js";
import type { ReplicatedState } from "./replicated-state.js";
import type { ProposalListener, SessionLogInit, SessionLogObserver } from "./session-log-types.js";
import { SnapshotSchedule } from "./snapshot-schedule.js";

/**
 * The proposer and applier of one server: the only user of its commit log, and the owner of the client table. The
 * state is changed by what `entries` yields, and by nothing else: an own proposal is known again by its id.
 */
export class SessionLog {
  readonly #log: CommitLog;
  readonly #state: ReplicatedState;
  readonly #observer: SessionLogObserver;
  readonly #proposals: Proposals;
  readonly #waits: AppliedWaits;
  readonly #barrier: Barrier;
  readonly #ticker: LogTicker;
  readonly #snapshots: SnapshotSchedule;
  readonly #ended = new AbortController();
  #isOpen = false;
  #stopped: QuorateError | undefined;
  #following: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;

  private constructor(init: SessionLogInit, state: ReplicatedState) {
    const { log, observer, nowMs, maxWaitMs = 30_000, snapshotEvery } = init;
    const lost = (error: QuorateError) => this.#stop(error);
    this.#log = log;
    this.#state = state;
    this.#observer = observer;
    const failed = (error: QuorateError) => this.#observer.appendFailed?.(error);
    this.#proposals = new Proposals({ log, nowMs, failed, lost });
    this.#waits = new AppliedWaits(state.table.appliedOp);
    this.#barrier = new Barrier({
      log,
      appliedOp: () => state.table.appliedOp,
      waitApplied: (op) => this.#waits.wait(op),
      maxWaitMs,
      ended: this.#ended.signal,
      lost,
    });
    this.#ticker = new LogTicker({
      table: () => state.table,
      propose: (entry, listener) => this.propose(entry, listener),
    });
    this.#snapshots = new SnapshotSchedule({
      log,
      every: snapshotEvery,
      since: state.sinceSnapshot,
      take: () => state.snapshot(),
      observer,
    });
  }

  /**
   * Resolves once the state is as of the log's end, and a ServerUp of this server is applied: what its processes before
   * left open is due. The observer is told nothing before, and at the earliest a turn later.
   *
   * Rejects, with nothing left running but the log open, with the errors of `openState` and those of the append.
   */
  static async open(init: SessionLogInit): Promise<SessionLog> {
    const opened = new SessionLog(init, await openState(init));
    try {
      await withinTime(boundsOf(init), () => opened.#start(init.serverId));
      return opened;
    } catch (error) {
      const stopped = opened.#stopped;
      opened.#end(refusal("RETRY"));
      await opened.#following;
      throw stopped ?? error;
    }
  }

  /** As of the last entry applied. Another one after the state was replaced. */
  get table(): ClientTable {
    return this.#state.table;
  }

  /** Why the state is of no use any more. */
  get stopped(): QuorateError | undefined {
    return this.#stopped;
  }

  /**
   * Appends the entry; the order of the calls is the order in the log. Never throws: what goes wrong is told to the
   * listener, in a later turn, also after the end of the log.
   */
  propose(entry: Entry, listener: ProposalListener): void {
    this.#proposals.propose(entry, listener);
  }

  /**
   * Resolves once everything is applied that was committed before the call. The signal ends this wait alone.
   *
   * @throws QuorateError Unavailable: `LOG_UNAVAILABLE`, after `maxWaitMs` at the latest; `SESSIONS_STOPPED`, `RETRY` once it
   * is closed. The error of the signal.
   */
  barrier(options?: { readonly signal?: AbortSignal | undefined }): Promise<void> {
    return this.#barrier.wait(options);
  }

  /** Waits until the op is applied; ends as a barrier does when the log ends. */
  waitApplied(op: number): AppliedWait {
    return this.#waits.wait(op);
  }

  /** Ends the reading; what is pending fails with "unknown"; closes the commit log. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #start(serverId: string): Promise<void> {
    this.#following = this.#follow();
    while (!(await this.#up(serverId))) {
      // A snapshot came in between, which may hold the entry or not. One more does no harm: nothing runs here yet.
    }
  }

  /** Resolves with false if the state was replaced before the entry was seen. */
  #up(serverId: string): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const applied = () => {
        this.#isOpen = true;
        this.#ticker.start();
        resolve(true);
      };
      const failed = (error: QuorateError) => {
        if (error.reason === "RETRY" && !this.#ended.signal.aborted) resolve(false);
        else reject(error);
      };
      this.propose({ kind: "serverUp", serverId }, { applied, failed });
    });
  }

  async #follow(): Promise<void> {
    try {
      await followLog(this.#log, this.#ended.signal, {
        position: () => this.#state.table.appliedOp,
        take: (entry) => this.#take(entry),
        truncated: (snapshot) => this.#replace(snapshot),
        failed: (error, retryMs) => {
          if (this.#isOpen) this.#observer.readFailed?.(error, retryMs);
        },
      });
    } catch (error) {
      this.#stop(error);
    }
  }

  #take({ op, entry }: LogEntry): AfterEntry {
    const wasOpen = this.#isOpen;
    try {
      const own = this.#proposals.find(entry);
      const effect = this.#state.apply(op, own?.record ?? decodeLogRecord(entry));
      this.#waits.advance(op);
      if (own !== undefined) {
        this.#proposals.applied(own);
        own.listener.applied(effect, this.#state.table);
      }
      if (wasOpen && !this.#ended.signal.aborted) this.#observer.applied(effect);
      this.#follows(effect);
    } catch (error) {
      this.#stop(error);
    }
    // Whoever waits for `open` has the log before the first entry that is told of.
    return wasOpen ? "next" : "pause";
  }

  /** What this server does because of an entry. */
  #follows(effect: Effect): void {
    const due = this.#state.check(effect);
    if (!this.#isOpen || this.#ended.signal.aborted) return;
    // One that fails is made up for by the next.
    if (due !== undefined) this.propose({ kind: "check", ...due }, nobody);
    this.#ticker.applied(effect);
    this.#snapshots.applied();
  }

  #replace(snapshot: LogSnapshot | undefined): void {
    try {
      this.#state.restore(snapshot);
      this.#waits.advance(this.#state.table.appliedOp);
      this.#snapshots.replaced();
      this.#proposals.failAll(refusal("RETRY"));
      if (!this.#isOpen || this.#ended.signal.aborted) return;
      this.#observer.replaced();
      this.#ticker.start();
    } catch (error) {
      this.#stop(error);
    }
  }

  #stop(error: unknown): void {
    if (this.#ended.signal.aborted) return;
    this.#stopped = QuorateError.from(error, Code.Internal);
    this.#end(sessionsStopped(this.#stopped));
    if (this.#isOpen) this.#observer.stopped(this.#stopped);
  }

  #end(error: QuorateError): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort(error);
    this.#ticker.stop();
    this.#proposals.end(error);
    this.#waits.end(error);
  }

  async #close(): Promise<void> {
    this.#end(refusal("RETRY"));
    await this.#following;
    await Promise.all([this.#log.close(), this.#snapshots.idle()]);
  }
}

const nobody: ProposalListener = { applied: () => {}, failed: () => {} };
