import type { QuorateError } from "../../../internal/errors/quorate-error.js";
import type { CommitLog } from "../../../src/sessions/commit-log/commit-log.js";
import type { AppendOutcome } from "../../../src/sessions/commit-log/log-errors.js";
import { requestDigest } from "../../../src/sessions/digest.js";
import { encodeLogRecord } from "../../../src/sessions/record/encode-log-record.js";
import type { AcceptedStamp, Entry } from "../../../src/sessions/record/log-record.js";
import { SessionLog } from "../../../src/sessions/server/session-log.js";
import type {
  ProposalListener,
  SessionLogInit,
  SessionLogObserver,
} from "../../../src/sessions/server/session-log-types.js";
import type { StateMachines } from "../../../src/sessions/server/state-machines.js";
import type { Effect } from "../../../src/sessions/table/effect.js";
import type { MachineSnapshot } from "../../../src/sessions/table/machine-snapshot.js";
import type { ReplicatedCall } from "../../../src/sessions/table/run-replicated.js";
import { id, text } from "../table/test-table.js";

/** A state machine that remembers what it was given. */
export class TestMachine implements StateMachines {
  readonly runs: string[] = [];
  /** Mixed into the state, for one that diverges. */
  readonly salt: string;
  /** Thrown in place of the next reply. */
  fault: QuorateError | undefined;

  constructor(salt = "") {
    this.salt = salt;
  }

  readonly run: StateMachines["run"] = ({ op, payload }: ReplicatedCall) => {
    if (this.fault !== undefined) throw this.fault;
    this.runs.push(`${op}${this.salt}:${new TextDecoder().decode(payload)}`);
    return { kind: "payload", bytes: text(`reply ${op}`) };
  };

  snapshot(): readonly MachineSnapshot[] {
    return [{ service: "test.Machine", version: 1, state: text(this.runs.join("\n")) }];
  }

  restore(machines: readonly MachineSnapshot[]): void {
    const [machine] = machines;
    const state = new TextDecoder().decode(machine?.state);
    this.runs.splice(0, this.runs.length, ...(state === "" ? [] : state.split("\n")));
  }
}

/** An observer that writes down what it is told. */
export class TestObserver implements SessionLogObserver {
  readonly told: string[] = [];
  readonly effects: Effect[] = [];
  readonly errors: QuorateError[] = [];
  readonly appendErrors: QuorateError[] = [];

  applied(effect: Effect): void {
    this.told.push(`applied ${effect.op}`);
    this.effects.push(effect);
  }

  replaced(): void {
    this.told.push("replaced");
  }

  stopped(error: QuorateError): void {
    this.told.push(`stopped ${error.reason}`);
    this.errors.push(error);
  }

  readFailed(error: QuorateError, retryMs: number): void {
    this.told.push(`readFailed ${error.reason}`);
    if (!(retryMs > 0)) throw new Error(`the log would be tried again after ${retryMs} ms`);
  }

  snapshotSaved(op: number, bytes: number): void {
    this.told.push(`snapshotSaved ${op}`);
    if (!(bytes > 0)) throw new Error("the snapshot is empty");
  }

  appendFailed(error: QuorateError): void {
    this.appendErrors.push(error);
  }

  snapshotFailed(error: QuorateError): void {
    this.told.push(`snapshotFailed ${error.reason}`);
  }

  kinds(): string[] {
    return this.effects.map(({ kind }) => kind);
  }
}

/** What became of a proposal. */
export type Outcome =
  | { readonly effect: Effect }
  | { readonly error: QuorateError; readonly outcome: AppendOutcome };

/** A session log and what it was opened with. */
export class TestLog implements AsyncDisposable {
  readonly log: SessionLog;
  readonly machine: TestMachine;
  readonly observer: TestObserver;

  constructor(log: SessionLog, machine: TestMachine, observer: TestObserver) {
    this.log = log;
    this.machine = machine;
    this.observer = observer;
  }

  /** Resolves with what the listener is told. */
  propose(entry: Entry): Promise<Outcome> {
    return new Promise((resolve) => {
      this.log.propose(entry, {
        applied: (effect) => resolve({ effect }),
        failed: (error, outcome) => resolve({ error, outcome }),
      });
    });
  }

  /** The effect of a proposal that must be applied. */
  async effectOf(entry: Entry): Promise<Effect> {
    const outcome = await this.propose(entry);
    if ("error" in outcome) throw outcome.error;
    return outcome.effect;
  }

  /** Registers a client that must get a session, and returns its number. */
  async register(client: number): Promise<number> {
    const effect = await this.effectOf(register(client));
    if (effect.kind !== "registered") throw new Error(`the client got no session: ${effect.kind}`);
    return effect.state.session;
  }

  /** The next request of a client that has a session. */
  request(client: number, payload = "r"): Entry {
    return { kind: "request", stamp: this.stamp(client, payload), method: "m", payload: text(payload) };
  }

  stamp(client: number, payload = "r"): AcceptedStamp {
    const { session = 0, highest = 0 } = this.log.table.session(id(client)) ?? {};
    const digest = requestDigest("m", text(payload));
    return { client: id(client), session, request: highest + 1, respondedTo: highest, digest };
  }

  /** The state as bytes. */
  state(): string {
    return Buffer.from(this.log.table.snapshot(this.machine.snapshot())).toString("hex");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.log.close();
  }
}

/** What of a session log a test chooses. */
export type TestLogOptions = Partial<Omit<SessionLogInit, "log" | "machines" | "observer">> & {
  readonly machine?: TestMachine;
  readonly observer?: TestObserver;
};

/** Opens a session log that stores no snapshots, unless told so. */
export async function openTestLog(commitLog: CommitLog, options: TestLogOptions = {}): Promise<TestLog> {
  const { machine = new TestMachine(), observer = new TestObserver(), ...rest } = options;
  const standard = { limits: undefined, maxMessageBytes: 4 * 2 ** 20, serverId: "a", nowMs: () => 1_000 };
  const log = await SessionLog.open({
    ...standard,
    snapshotEvery: 0,
    checkEvery: 0,
    ...rest,
    log: commitLog,
    machines: machine,
    observer,
  });
  return new TestLog(log, machine, observer);
}

/** The first Register of a client. */
export function register(client: number): Entry {
  return { kind: "register", client: id(client), user: "ann", nonce: id(1), previous: 0 };
}

/** The bytes of an entry as another server proposes it. */
export function foreign(entry: Entry, counter = 1): Uint8Array {
  return encodeLogRecord({ id: { incarnation: id(0xf0), counter }, timestampMs: 1, entry });
}

/** A listener that must not be told of a failure. */
export function onApplied(applied: ProposalListener["applied"]): ProposalListener {
  return {
    applied,
    failed: (error) => {
      throw error;
    },
  };
}
