import type { ReplicateOptions, StateMachine } from "quorate/sessions";
import type { CountedEcho } from "./gen/bench/sessions/v1/echo_quorate.js";

/** A state machine that does as little as one can: its state is how many requests it has seen. */
export class RequestCounter {
  #count = 0;

  /** How many requests were applied. */
  get count(): number {
    return this.#count;
  }

  /** The replicated service. */
  readonly handlers: StateMachine<typeof CountedEcho> = {
    echo: ({ payload }) => {
      this.#count += 1;
      return { payload };
    },
  };

  /** How its state is kept. */
  readonly options: ReplicateOptions = {
    snapshot: () => {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setFloat64(0, this.#count);
      return bytes;
    },
    restore: (bytes) => {
      this.#count = new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0);
    },
  };
}
