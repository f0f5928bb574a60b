/** The state of one state machine between two entries. */
export interface MachineSnapshot {
  /** The full name of its service. */
  readonly service: string;
  /** The version of what `state` is: an integer from 0 to 2^32-1. */
  readonly version: number;
  /** The same bytes on every server that applied the same entries. */
  readonly state: Uint8Array;
}
