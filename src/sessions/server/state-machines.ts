import type { MachineSnapshot } from "../table/machine-snapshot.js";
import type { RunReplicated } from "../table/run-replicated.js";

/** The state machines of all replicated services of a server, as the log drives them. */
export interface StateMachines {
  /** Runs one call; what it throws stops the server. Needs no `this`. */
  readonly run: RunReplicated;

  /** The state of each of them, between two entries. The bytes must not change later. */
  snapshot(): readonly MachineSnapshot[];

  /**
   * Replaces the state of all of them by that of a snapshot.
   *
   * @throws what stops the server: a service that is not served here, a version that is not known.
   */
  restore(machines: readonly MachineSnapshot[]): void;
}
