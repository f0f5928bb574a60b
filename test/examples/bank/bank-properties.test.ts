import { create } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { QuorateError } from "quorate";
import { describe, expect, it } from "vitest";
import { replayLedger } from "../../../examples/bank/client/replay-ledger.js";
import {
  type LedgerEntry,
  LedgerEntrySchema,
  LedgerRequestSchema,
  OpenAccountRequestSchema,
  TransferRequestSchema,
} from "../../../examples/bank/gen/bank/v1/bank_pb.js";
import { BankMachine, bankStateVersion } from "../../../examples/bank/service/bank-machine.js";

const users = ["ann", "bob"] as const;
const ids = ["a", "b", "c", "d"] as const;
const money = fc.bigInt({ min: 0n, max: 50n });

type Step = (bank: BankMachine, op: number) => unknown;

const open = fc.record({ user: fc.constantFrom(...users), id: fc.constantFrom(...ids), deposit: money }).map(
  ({ user, ...request }): Step =>
    (bank, op) =>
      bank.openAccount(create(OpenAccountRequestSchema, request), { op, user }),
);
const transfer = fc
  .record({
    user: fc.constantFrom(...users),
    from: fc.constantFrom(...ids),
    to: fc.constantFrom(...ids),
    amount: money,
  })
  .map(
    ({ user, ...request }): Step =>
      (bank, op) =>
        bank.transfer(create(TransferRequestSchema, { transferId: `t${op}`, ...request }), { op, user }),
  );
/** What all begin with: else most steps would be about accounts that are not there. */
const opening = (
  [
    ["a", "ann"],
    ["b", "bob"],
  ] as const
).map(
  ([id, user]): Step =>
    (bank, op) =>
      bank.openAccount(create(OpenAccountRequestSchema, { id, deposit: 100n }), { op, user }),
);
const steps = fc
  .array(fc.oneof({ weight: 1, arbitrary: open }, { weight: 6, arbitrary: transfer }), {
    maxLength: 60,
    size: "max",
  })
  .map((more) => [...opening, ...more]);

/** What a step answers, or how it is refused. */
function run(bank: BankMachine, step: Step, op: number): unknown {
  try {
    return step(bank, op);
  } catch (error) {
    if (error instanceof QuorateError) return error.message;
    throw error;
  }
}

function ledgerOf(bank: BankMachine): LedgerEntry[] {
  const { entries = [] } = bank.ledger(create(LedgerRequestSchema, { limit: 1_000 }));
  return entries.map((entry) => create(LedgerEntrySchema, entry));
}

function accountsOf(bank: BankMachine) {
  return ids.flatMap((id) => {
    try {
      return [bank.balance(id)];
    } catch {
      return [];
    }
  });
}

describe("the bank, whatever is done to it", () => {
  it("neither makes money nor loses it, and the ledger leads to every balance", () => {
    let transfers = 0;
    fc.assert(
      fc.property(steps, (all) => {
        const bank = new BankMachine();
        all.forEach((step, at) => run(bank, step, at + 1));
        const { deposits = 0n, balances } = bank.totals();
        expect(balances).toBe(deposits);
        for (const { balance } of accountsOf(bank)) expect(balance).toBeGreaterThanOrEqual(0n);
        expect(replayLedger(accountsOf(bank), ledgerOf(bank), deposits).problems).toEqual([]);
        transfers += ledgerOf(bank).length;
      }),
    );
    expect(transfers).toBeGreaterThan(200);
  });

  it("answers alike and becomes the same, where a snapshot of it goes on", () => {
    fc.assert(
      fc.property(steps, fc.nat(), (all, seed) => {
        const bank = new BankMachine();
        let other = new BankMachine();
        const restart = seed % all.length;
        all.forEach((step, at) => {
          if (at === restart) {
            const bytes = other.snapshot();
            other = new BankMachine();
            other.restore(bytes, bankStateVersion);
          }
          expect(run(other, step, at + 1)).toEqual(run(bank, step, at + 1));
          expect(other.snapshot()).toEqual(bank.snapshot());
        });
      }),
    );
  });
});
