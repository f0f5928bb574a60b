import { type CancelDeadline, monotonicMs, scheduleDeadline } from "../../../internal/util/deadlines.js";
import type { Entry } from "../record/log-record.js";
import type { ClientTable } from "../table/client-table.js";
import type { Effect } from "../table/effect.js";
import type { ProposalListener } from "./session-log-types.js";

/** What a ticker is made of. */
export interface LogTickerInit {
  readonly table: () => ClientTable;
  readonly propose: (entry: Entry, listener: ProposalListener) => void;
}

/**
 * Makes the log older, and proposes what follows from its age. While there is a session or an open intent, a Tick is
 * proposed `tickMs` after the last one that counted was applied here, by the monotonic clock; after each that counts, and
 * when a server came up anew, the idle sessions and the due intents are proposed to be ended. Every server does so: of
 * several that propose the same, one counts. What fails is tried at the next tick.
 */
export class LogTicker {
  readonly #table: () => ClientTable;
  readonly #propose: LogTickerInit["propose"];
  readonly #underWay = new Set<string>();
  #cancel: CancelDeadline | undefined;
  #sinceMs = 0;
  #running = false;

  constructor({ table, propose }: LogTickerInit) {
    this.#table = table;
    this.#propose = propose;
  }

  /** Begins anew from the state of now: the log was opened, or a snapshot has replaced the state. */
  start(): void {
    this.#running = true;
    this.#restart();
    this.#proposeDue();
  }

  stop(): void {
    this.#running = false;
    this.#disarm();
  }

  /** To be called after each entry. */
  applied(effect: Effect): void {
    if (!this.#running) return;
    if (effect.kind === "ticked") {
      this.start();
    } else if (effect.kind === "serverUp") {
      if (effect.left.length > 0) this.#proposeDue();
    } else if (effect.kind === "configured") {
      this.#arm();
    }
    const isArmed = this.#cancel !== undefined;
    if (isArmed === this.#table().needsTicks) return;
    if (isArmed) this.#disarm();
    else this.#restart();
  }

  #restart(): void {
    this.#sinceMs = monotonicMs();
    this.#arm();
  }

  #arm(): void {
    this.#disarm();
    const { needsTicks, limits } = this.#table();
    if (needsTicks) this.#cancel = scheduleDeadline(this.#sinceMs + limits.tickMs, () => this.#tick());
  }

  #disarm(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #tick(): void {
    const previousOp = this.#table().tickOp;
    // Should it come to nothing, the next one is due as if it had.
    this.#restart();
    this.#proposeOnce(`tick ${previousOp}`, { kind: "tick", previousOp });
  }

  #proposeDue(): void {
    const table = this.#table();
    for (const { op } of table.dueIntents()) {
      if (this.#underWay.size >= maxUnderWay) return;
      this.#proposeOnce(`verdict ${op}`, { kind: "verdict", intentOp: op });
    }
    for (const { client, session, lastUseOp } of table.idleSessions()) {
      if (this.#underWay.size >= maxUnderWay) return;
      this.#proposeOnce(`expire ${client} ${session} ${lastUseOp}`, {
        kind: "expire",
        client,
        session,
        lastUseOp,
      });
    }
  }

  #proposeOnce(key: string, entry: Entry): void {
    if (this.#underWay.has(key)) return;
    this.#underWay.add(key);
    const over = () => {
      this.#underWay.delete(key);
    };
    this.#propose(entry, { applied: over, failed: over });
  }
}

/** The rest has its turn at the next tick. */
const maxUnderWay = 1_024;
