import type { StateMachine } from "quorate/sessions";
import type { Bank } from "../gen/bank/v1/bank_quorate.js";
import type { BankMachine } from "./bank-machine.js";

/** The handlers of the bank. They hand everything to the machine: nothing else may have a say. */
export function bankService(bank: BankMachine): StateMachine<typeof Bank> {
  return {
    openAccount: (request, context) => bank.openAccount(request, context),
    transfer: (request, context) => bank.transfer(request, context),
    balance: ({ id }) => bank.balance(id),
    ledger: (request) => bank.ledger(request),
    totals: () => bank.totals(),
  };
}
