import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { compareReceipts } from "../../../examples/bank/client/compare-receipts.js";
import { readLedger } from "../../../examples/bank/client/read-ledger.js";
import { replayLedger } from "../../../examples/bank/client/replay-ledger.js";
import type { TransferOutcome } from "../../../examples/bank/client/transfer-load.js";
import {
  AccountSchema,
  LedgerEntrySchema,
  LedgerPageSchema,
  ReceiptSchema,
} from "../../../examples/bank/gen/bank/v1/bank_pb.js";

const account = (id: string, deposit: bigint, balance: bigint) =>
  create(AccountSchema, { id, owner: "ann", deposit, balance });

/** A transfer of 10 from a to b. */
const entry = (op: bigint, transferId: string, more: MessageInitShape<typeof LedgerEntrySchema> = {}) =>
  create(LedgerEntrySchema, { op, transferId, user: "ann", from: "a", to: "b", amount: 10n, ...more });

const accounts = [account("a", 100n, 70n), account("b", 0n, 30n)];
const ledger = [entry(5n, "t1"), entry(6n, "t2"), entry(9n, "u1", { user: "bob" })];

describe("replayLedger", () => {
  it("finds nothing where the ledger leads to the balances, and knows what they were after each transfer", () => {
    const { after, problems } = replayLedger(accounts, ledger, 100n);
    expect(problems).toEqual([]);
    expect([...after]).toEqual([
      [5n, { from: 90n, to: 10n }],
      [6n, { from: 80n, to: 20n }],
      [9n, { from: 70n, to: 30n }],
    ]);
  });

  it.each([
    [
      "a transfer that was applied twice",
      accounts,
      [...ledger.slice(0, 2), entry(9n, "t2")],
      ["t2 was applied more than once"],
    ],
    [
      "a balance that the ledger does not lead to",
      [account("a", 100n, 71n), account("b", 0n, 29n)],
      ledger,
      ["a has 71, but by the ledger 70", "b has 29, but by the ledger 30"],
    ],
    [
      "a sum that is another",
      [account("a", 100n, 70n), account("b", 1n, 31n)],
      ledger,
      ["all accounts have 101, expected 100"],
    ],
    [
      "ops that do not rise",
      accounts,
      [ledger[0], entry(5n, "t2"), ledger[2]],
      ["t2 has op 5, which is not above 5"],
    ],
    [
      "an account that was overdrawn in between",
      [account("a", 0n, 0n), account("b", 100n, 100n)],
      [entry(1n, "t1"), entry(2n, "t2", { from: "b", to: "a" })],
      ["t1 overdraws a"],
    ],
    [
      "an account that is none",
      [account("a", 100n, 90n), account("b", 10n, 10n)],
      [entry(1n, "t1", { to: "x" })],
      ["the ledger names x, which is none"],
    ],
  ])("finds %s", (_, present, entries, problems) => {
    const all = entries.flatMap((each) => (each === undefined ? [] : [each]));
    expect(replayLedger(present, all, 100n).problems).toEqual(problems);
  });
});

const asked = (transferId: string, result: TransferOutcome["result"]): TransferOutcome => ({
  transferId,
  from: "a",
  to: "b",
  amount: 10n,
  result,
});
const receipt = (op: bigint, fromBalance: bigint, toBalance: bigint): TransferOutcome["result"] => ({
  kind: "receipt",
  receipt: create(ReceiptSchema, { op, fromBalance, toBalance }),
  replayed: false,
});
const first = asked("t1", receipt(5n, 90n, 10n));
const second = asked("t2", receipt(6n, 80n, 20n));
const refused = asked("t3", { kind: "refused", reason: "INSUFFICIENT_FUNDS" });

describe("compareReceipts", () => {
  const { after } = replayLedger(accounts, ledger, 100n);

  it("finds nothing where each transfer with a receipt was applied once, and no refused one", () => {
    expect(compareReceipts("ann", [first, second, refused], ledger, after)).toEqual([]);
  });

  it.each([
    [
      "a transfer that is not there",
      [first, second],
      ledger.slice(1),
      "t1 has a receipt, and was applied 0 times",
    ],
    [
      "a transfer that is there twice",
      [first, second],
      [...ledger, entry(10n, "t2")],
      "t2 has a receipt, and was applied 2 times",
    ],
    [
      "a refused one that was applied",
      [first, second, refused],
      [...ledger, entry(10n, "t3")],
      "t3 was refused, INSUFFICIENT_FUNDS, and applied 1 times",
    ],
    ["one that nobody asked for", [first], ledger, "t2 was never asked for"],
    [
      "another op",
      [first, asked("t2", receipt(7n, 80n, 20n))],
      ledger,
      "t2 has a receipt of op 7, and stands at op 6",
    ],
    [
      "other balances",
      [first, asked("t2", receipt(6n, 80n, 21n))],
      ledger,
      "t2 has a receipt of balances 80 and 21, which they never were",
    ],
    ["another amount", [{ ...first, amount: 11n }, second], ledger, "t1 is another transfer in the ledger"],
    [
      "another way",
      [{ ...first, from: "b", to: "a" }, second],
      ledger,
      "t1 is another transfer in the ledger",
    ],
    [
      "no answer",
      [first, asked("t2", { kind: "failed", error: new Error("?") })],
      ledger,
      "t2 has no answer, and was applied 1 times",
    ],
  ])("finds %s", (_, outcomes, entries, problem) => {
    expect(compareReceipts("ann", outcomes, entries, after)).toEqual([problem]);
  });

  it("looks at the transfers of its user only", () => {
    expect(compareReceipts("bob", [], [ledger[0] ?? entry(1n, "?")], after)).toEqual([]);
  });
});

describe("readLedger", () => {
  const pages = (size: number) => ({
    ledger: async ({ afterOp = 0n }) => {
      const rest = ledger.filter(({ op }) => op > afterOp);
      return create(LedgerPageSchema, { entries: rest.slice(0, size), more: rest.length > size });
    },
  });

  it.each([1, 2, 3, 4])("puts pages of %d together", async (size) => {
    expect(await readLedger(pages(size))).toEqual(ledger);
  });

  it("does not ask for ever where pages have nothing", async () => {
    await expect(readLedger(pages(0))).rejects.toThrow(/without entries/);
  });
});
