import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code, QuorateError } from "quorate";
import { describe, expect, it } from "vitest";
import {
  AccountSchema,
  LedgerEntrySchema,
  LedgerRequestSchema,
  OpenAccountRequestSchema,
  TransferRequestSchema,
} from "../../../examples/bank/gen/bank/v1/bank_pb.js";
import { BankStateSchema } from "../../../examples/bank/gen/bank/v1/bank_state_pb.js";
import { BankMachine, bankStateVersion, maxDeposits } from "../../../examples/bank/service/bank-machine.js";
import { bankRefusal, refusalReason } from "../../../examples/bank/service/bank-refusal.js";

/** A bank in which ann has 100 in `a`, and bob has 50 in `b`. */
function openBank(limits = {}) {
  const bank = new BankMachine(limits);
  let op = 0;
  const next = (user: string) => ({ op: ++op, user });
  const open = (user: string, id: string, deposit: bigint) =>
    bank.openAccount(create(OpenAccountRequestSchema, { id, deposit }), next(user));
  const transfer = (user: string, from: string, to: string, amount: bigint, transferId = `t${op + 1}`) =>
    bank.transfer(create(TransferRequestSchema, { transferId, from, to, amount }), next(user));
  const page = (afterOp: bigint, limit: number) =>
    bank.ledger(create(LedgerRequestSchema, { afterOp, limit }));
  open("ann", "a", 100n);
  open("bob", "b", 50n);
  return { bank, open, transfer, page };
}

function refusalOf(action: () => unknown) {
  try {
    action();
  } catch (error) {
    if (error instanceof QuorateError) return { code: error.code, reason: refusalReason(error) };
    throw error;
  }
  return undefined;
}

describe("BankMachine", () => {
  it("opens accounts of the user who asks", () => {
    const { bank, open } = openBank();
    expect(open("ann", "c", 7n)).toMatchObject({ id: "c", owner: "ann", deposit: 7n, balance: 7n });
    expect(bank.balance("c")).toMatchObject({ owner: "ann", balance: 7n });
    expect(bank.totals()).toEqual({ accounts: 3n, transfers: 0n, deposits: 157n, balances: 157n });
  });

  it("moves money, and gives a receipt with the op and both balances", () => {
    const { bank, transfer } = openBank();
    expect(transfer("ann", "a", "b", 30n)).toEqual({ op: 3n, fromBalance: 70n, toBalance: 80n });
    expect(transfer("bob", "b", "a", 80n)).toEqual({ op: 4n, fromBalance: 0n, toBalance: 150n });
    expect(bank.balance("a")).toMatchObject({ deposit: 100n, balance: 150n });
    expect(bank.totals()).toMatchObject({ transfers: 2n, deposits: 150n, balances: 150n });
  });

  it("makes a transfer twice that it is given twice: names are not looked at", () => {
    const { bank, transfer } = openBank();
    transfer("ann", "a", "b", 30n, "same");
    transfer("ann", "a", "b", 30n, "same");
    expect(bank.balance("a").balance).toBe(40n);
    expect(bank.totals().transfers).toBe(2n);
  });

  it.each([
    [
      "more than there is",
      "INSUFFICIENT_FUNDS",
      Code.FailedPrecondition,
      () => openBank().transfer("ann", "a", "b", 101n),
    ],
    ["from nowhere", "NO_ACCOUNT", Code.NotFound, () => openBank().transfer("ann", "x", "b", 1n)],
    ["to nowhere", "NO_ACCOUNT", Code.NotFound, () => openBank().transfer("ann", "a", "x", 1n)],
    [
      "from another's account",
      "NOT_YOUR_ACCOUNT",
      Code.PermissionDenied,
      () => openBank().transfer("ann", "b", "a", 1n),
    ],
    ["nothing", "INVALID_REQUEST", Code.InvalidArgument, () => openBank().transfer("ann", "a", "b", 0n)],
    [
      "to the same account",
      "INVALID_REQUEST",
      Code.InvalidArgument,
      () => openBank().transfer("ann", "a", "a", 1n),
    ],
    [
      "without a name",
      "INVALID_REQUEST",
      Code.InvalidArgument,
      () => openBank().transfer("ann", "a", "b", 1n, ""),
    ],
    [
      "with a long name",
      "INVALID_REQUEST",
      Code.InvalidArgument,
      () => openBank().transfer("ann", "a", "b", 1n, "n".repeat(65)),
    ],
    [
      "beyond the ledger",
      "BANK_FULL",
      Code.ResourceExhausted,
      () => openBank({ maxTransfers: 0 }).transfer("ann", "a", "b", 1n),
    ],
    ["an account that is there", "ACCOUNT_EXISTS", Code.AlreadyExists, () => openBank().open("bob", "a", 1n)],
    [
      "an account without an id",
      "INVALID_REQUEST",
      Code.InvalidArgument,
      () => openBank().open("bob", "", 1n),
    ],
    [
      "an account too many",
      "BANK_FULL",
      Code.ResourceExhausted,
      () => openBank({ maxAccounts: 2 }).open("bob", "c", 1n),
    ],
    [
      "more money than there can be",
      "BANK_FULL",
      Code.ResourceExhausted,
      () => openBank().open("bob", "c", maxDeposits),
    ],
    ["the balance of nobody", "NO_ACCOUNT", Code.NotFound, () => openBank().bank.balance("x")],
    ["a page too long", "INVALID_REQUEST", Code.InvalidArgument, () => openBank().page(0n, 1_001)],
  ])("refuses %s: %s", (_, reason, code, action) => {
    expect(refusalOf(action)).toEqual({ code, reason });
  });

  it("changes nothing when it refuses", () => {
    const { bank, open, transfer } = openBank();
    transfer("ann", "a", "b", 10n);
    const before = bank.snapshot();
    for (const action of [
      () => transfer("ann", "a", "b", 91n),
      () => transfer("ann", "a", "x", 1n),
      () => transfer("ann", "b", "a", 1n),
      () => open("ann", "b", 1n),
      () => open("ann", "c", maxDeposits),
    ]) {
      expect(refusalOf(action)).toBeDefined();
    }
    expect(bank.snapshot()).toEqual(before);
  });

  it("lets a user empty the account to the last", () => {
    const { bank, transfer } = openBank();
    transfer("ann", "a", "b", 100n);
    expect(bank.balance("a").balance).toBe(0n);
  });

  it("takes deposits up to all the money there is", () => {
    const { bank, open } = openBank();
    open("ann", "c", maxDeposits - 150n);
    expect(bank.totals().balances).toBe(maxDeposits);
  });

  it("gives answers that later transfers do not change", () => {
    const { bank, open, transfer } = openBank();
    const opened = open("ann", "c", 5n);
    const read = bank.balance("c");
    transfer("ann", "c", "a", 5n);
    expect([opened.balance, read.balance]).toEqual([5n, 5n]);
  });

  it("gives the ledger in pages that begin after an op", () => {
    const { page, transfer } = openBank();
    for (let amount = 1n; amount <= 5n; amount++) transfer("ann", "a", "b", amount);
    const amounts = (afterOp: bigint, limit: number) => {
      const { entries = [], more } = page(afterOp, limit);
      return { amounts: entries.map(({ amount }) => amount), more };
    };
    expect(page(0n, 1).entries).toEqual([
      create(LedgerEntrySchema, { op: 3n, transferId: "t3", user: "ann", from: "a", to: "b", amount: 1n }),
    ]);
    expect(amounts(0n, 2)).toEqual({ amounts: [1n, 2n], more: true });
    expect(amounts(4n, 2)).toEqual({ amounts: [3n, 4n], more: true });
    expect(amounts(6n, 2)).toEqual({ amounts: [5n], more: false });
    expect(amounts(5n, 2)).toEqual({ amounts: [4n, 5n], more: false });
    expect(amounts(7n, 2)).toEqual({ amounts: [], more: false });
    expect(amounts(0n, 0)).toEqual({ amounts: [1n, 2n, 3n, 4n, 5n], more: false });
  });

  it("gives 100 entries where no limit is asked for", () => {
    const { page, transfer } = openBank();
    for (let count = 0; count < 100; count++) transfer("ann", "a", "b", 1n);
    expect(page(0n, 0).more).toBe(false);
    transfer("bob", "b", "a", 1n);
    expect(page(0n, 0).more).toBe(true);
    expect(page(0n, 0).entries).toHaveLength(100);
  });

  it("knows which transfers it has made", () => {
    const { bank, transfer } = openBank();
    transfer("ann", "a", "b", 1n, "made");
    expect(refusalOf(() => transfer("ann", "a", "b", 1_000n, "refused"))).toBeDefined();
    expect([bank.hasTransfer("made"), bank.hasTransfer("refused")]).toEqual([true, false]);
  });
});

describe("the snapshot of a BankMachine", () => {
  it("restores the whole bank", () => {
    const { bank, transfer } = openBank();
    transfer("ann", "a", "b", 30n);
    const restored = new BankMachine();
    restored.restore(bank.snapshot(), bankStateVersion);
    expect(restored.snapshot()).toEqual(bank.snapshot());
    expect(restored.totals()).toEqual(bank.totals());
    expect(restored.balance("b")).toEqual(bank.balance("b"));
    expect(restored.ledger(create(LedgerRequestSchema))).toEqual(bank.ledger(create(LedgerRequestSchema)));
  });

  it("replaces what was there", () => {
    const { bank, transfer } = openBank();
    const before = bank.snapshot();
    transfer("ann", "a", "b", 30n);
    bank.restore(before, bankStateVersion);
    expect(bank.snapshot()).toEqual(before);
    expect(bank.balance("a").balance).toBe(100n);
    bank.restore(new BankMachine().snapshot(), bankStateVersion);
    expect(bank.totals()).toEqual({ accounts: 0n, transfers: 0n, deposits: 0n, balances: 0n });
  });

  it("does not change when the bank does", () => {
    const { bank, transfer } = openBank();
    const bytes = bank.snapshot();
    const copy = bytes.slice();
    transfer("ann", "a", "b", 30n);
    expect(bytes).toEqual(copy);
  });

  it("is the same whatever the order in which the accounts were opened", () => {
    const ids = ["b", "a", "é", "aa", "Z", "10", "9"];
    const [one, other] = [ids, ids.toReversed()].map((order) => {
      const bank = new BankMachine();
      for (const id of order)
        bank.openAccount(create(OpenAccountRequestSchema, { id }), { op: 1, user: "u" });
      return bank.snapshot();
    });
    expect(one).toEqual(other);
    expect(fromBinary(BankStateSchema, one ?? new Uint8Array()).accounts.map(({ id }) => id)).toEqual([
      "10",
      "9",
      "Z",
      "a",
      "aa",
      "b",
      "é",
    ]);
  });

  const account = (id: string, deposit: bigint, balance = deposit) =>
    create(AccountSchema, { id, owner: "ann", deposit, balance });
  const entry = (op: bigint) => create(LedgerEntrySchema, { op });
  it.each([
    [
      "money was made",
      { accounts: [account("a", 1n, 2n)], ledger: [] },
      /balances are 2, but the deposits 1/,
    ],
    ["an account is there twice", { accounts: [account("a", 1n), account("a", 1n)], ledger: [] }, /accounts/],
    [
      "the accounts are in another order",
      { accounts: [account("b", 1n), account("a", 1n)], ledger: [] },
      /accounts/,
    ],
    ["the ledger is in another order", { accounts: [], ledger: [entry(2n), entry(1n)] }, /ledger/],
  ])("is refused where %s, and nothing changes", (_, state, message) => {
    const { bank } = openBank();
    const before = bank.snapshot();
    const bytes = toBinary(BankStateSchema, create(BankStateSchema, state));
    expect(() => bank.restore(bytes, bankStateVersion)).toThrow(message);
    expect(bank.snapshot()).toEqual(before);
  });

  it("is refused in another version", () => {
    const { bank } = openBank();
    expect(() => bank.restore(bank.snapshot(), bankStateVersion + 1)).toThrow(/version 2/);
  });
});

describe("refusalReason", () => {
  it("is the reason of what the bank refused, and of nothing else", () => {
    expect(refusalReason(bankRefusal("NO_ACCOUNT", "no"))).toBe("NO_ACCOUNT");
    expect(
      refusalReason(new QuorateError(Code.NotFound, "quorate: no", { reason: "NO_SESSION" })),
    ).toBeUndefined();
    expect(refusalReason(new Error("no"))).toBeUndefined();
  });
});
