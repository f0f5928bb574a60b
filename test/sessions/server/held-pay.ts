import type { GuardedContext, GuardedHandlers } from "../../../src/sessions/server/session-handlers.js";
import type { Payments } from "../../gen/payments/v1/payments_quorate.js";
import { eventually } from "../../helpers/eventually.js";

/** A guarded handler whose runs end when the test says so. */
export class HeldPay {
  readonly #runs: { readonly context: GuardedContext; readonly end: (receipt: { text?: string }) => void }[] =
    [];

  /** How often it was run. */
  get count(): number {
    return this.#runs.length;
  }

  readonly handler: GuardedHandlers<typeof Payments>["pay"] = (_, context) =>
    new Promise((resolve) => {
      this.#runs.push({ context, end: resolve });
    });

  /** Resolves once it was run so often. */
  async runs(count: number): Promise<void> {
    await eventually(() => this.#runs.length >= count, `${count} runs`);
  }

  /** Ends a run, by its place from 0 on. */
  end(at: number, receipt: { text?: string }): void {
    this.#runs[at]?.end(receipt);
  }

  /** The signal of a run. */
  signal(at: number): AbortSignal {
    const run = this.#runs[at];
    if (run === undefined) throw new Error(`there was no run ${at}`);
    return run.context.signal;
  }
}
