import { type Client, QuorateError } from "quorate";
import type { UnmanagedTarget } from "quorate/sessions";
import type { Bank } from "../gen/bank/v1/bank_quorate.js";

/** What asks for a transfer. */
type Transfer = Pick<Client<typeof Bank, UnmanagedTarget>, "transfer">;

/** A client that does what people do without sessions: if it is not known what became of a transfer, it asks again. */
export function askingAgain<Calls extends Transfer>(bank: Calls): Calls {
  return {
    ...bank,
    transfer: async (...call: Parameters<Transfer["transfer"]>) => {
      for (;;) {
        try {
          return await bank.transfer(...call);
        } catch (error) {
          if (!(error instanceof QuorateError) || error.reason !== "OUTCOME_UNKNOWN") throw error;
        }
      }
    },
  };
}
