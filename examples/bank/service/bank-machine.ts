import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  type Account,
  AccountSchema,
  type LedgerEntry,
  LedgerEntrySchema,
  type LedgerPageSchema,
  type LedgerRequest,
  type OpenAccountRequest,
  type ReceiptSchema,
  type TotalsResponseSchema,
  type TransferRequest,
} from "../gen/bank/v1/bank_pb.js";
import { type BankState, BankStateSchema } from "../gen/bank/v1/bank_state_pb.js";
import { bankRefusal } from "./bank-refusal.js";

/** What the bank is told of a request besides the request: the same on every server. */
export interface BankCall {
  /** Where the request stands in the commit log. */
  readonly op: number;
  readonly user: string;
}

/** What the bank bounds. */
export interface BankLimits {
  /** Default 10,000. */
  readonly maxAccounts?: number;
  /** Transfers in the ledger, which forgets none; default 1,000,000. */
  readonly maxTransfers?: number;
}

/** The version of what {@link BankMachine.snapshot} writes. */
export const bankStateVersion = 1;

/** What all deposits together may be, so that no balance ever becomes more than its field can hold. */
export const maxDeposits: bigint = 2n ** 63n - 1n;

/**
 * The bank as a deterministic state machine: what it answers and what it becomes depend on the calls so far and on
 * nothing else. It knows nothing of sessions and of retries: a transfer that it is given twice, it makes twice.
 */
export class BankMachine {
  readonly #maxAccounts: number;
  readonly #maxTransfers: number;
  readonly #accounts = new Map<string, Account>();
  #ledger: LedgerEntry[] = [];
  #deposits = 0n;

  constructor({ maxAccounts = 10_000, maxTransfers = 1_000_000 }: BankLimits = {}) {
    this.#maxAccounts = maxAccounts;
    this.#maxTransfers = maxTransfers;
  }

  /** Opens an account. Throws `INVALID_REQUEST`, `ACCOUNT_EXISTS` or `BANK_FULL`. */
  openAccount({ id, deposit }: OpenAccountRequest, { user }: BankCall): Account {
    checkName("account", id);
    if (this.#accounts.has(id)) throw bankRefusal("ACCOUNT_EXISTS", `there is an account ${id} already`);
    if (this.#accounts.size >= this.#maxAccounts) {
      throw bankRefusal("BANK_FULL", `there are ${this.#maxAccounts} accounts already`);
    }
    if (this.#deposits + deposit > maxDeposits) throw bankRefusal("BANK_FULL", "that is all money there is");
    const account = create(AccountSchema, { id, owner: user, deposit, balance: deposit });
    this.#accounts.set(id, account);
    this.#deposits += deposit;
    return { ...account };
  }

  /**
   * Makes a transfer. Throws `INVALID_REQUEST`, `NO_ACCOUNT`, `NOT_YOUR_ACCOUNT`, `INSUFFICIENT_FUNDS` or `BANK_FULL`.
   */
  transfer(request: TransferRequest, { op, user }: BankCall): MessageInitShape<typeof ReceiptSchema> {
    const { transferId, amount } = request;
    checkName("transfer", transferId);
    if (amount === 0n) throw bankRefusal("INVALID_REQUEST", "a transfer has an amount above 0");
    const from = this.#find(request.from);
    const to = this.#find(request.to);
    if (from === to) throw bankRefusal("INVALID_REQUEST", "a transfer is between two accounts");
    if (from.owner !== user) throw bankRefusal("NOT_YOUR_ACCOUNT", `${from.id} is not an account of ${user}`);
    if (from.balance < amount) {
      throw bankRefusal("INSUFFICIENT_FUNDS", `${from.id} has ${from.balance}, which is less than ${amount}`);
    }
    if (this.#ledger.length >= this.#maxTransfers) {
      throw bankRefusal("BANK_FULL", `the ledger has ${this.#maxTransfers} transfers already`);
    }
    from.balance -= amount;
    to.balance += amount;
    const entry = { op: BigInt(op), transferId, user, from: from.id, to: to.id, amount };
    this.#ledger.push(create(LedgerEntrySchema, entry));
    return { op: entry.op, fromBalance: from.balance, toBalance: to.balance };
  }

  /** The account. Throws `NO_ACCOUNT`. */
  balance(id: string): Account {
    return { ...this.#find(id) };
  }

  /** A page of the ledger. Throws `INVALID_REQUEST` for a limit that is too high. */
  ledger({ afterOp, limit }: LedgerRequest): MessageInitShape<typeof LedgerPageSchema> {
    if (limit > maxPage) throw bankRefusal("INVALID_REQUEST", `a page has at most ${maxPage} entries`);
    const first = firstAbove(this.#ledger, afterOp);
    const end = first + (limit === 0 ? 100 : limit);
    return { entries: this.#ledger.slice(first, end), more: end < this.#ledger.length };
  }

  totals(): MessageInitShape<typeof TotalsResponseSchema> {
    let balances = 0n;
    for (const { balance } of this.#accounts.values()) balances += balance;
    const { size } = this.#accounts;
    return {
      accounts: BigInt(size),
      transfers: BigInt(this.#ledger.length),
      deposits: this.#deposits,
      balances,
    };
  }

  /** Whether the ledger has a transfer of this name. */
  hasTransfer(transferId: string): boolean {
    return this.#ledger.findLast((entry) => entry.transferId === transferId) !== undefined;
  }

  /** The same bytes for the same state, whatever the way to it. */
  snapshot(): Uint8Array {
    const accounts = [...this.#accounts.values()].sort((a, b) => compare(a.id, b.id));
    return toBinary(BankStateSchema, create(BankStateSchema, { accounts, ledger: this.#ledger }));
  }

  /** Becomes what `snapshot()` wrote. Throws for bytes of another version, and for what no bank can be. */
  restore(bytes: Uint8Array, version: number): void {
    if (version !== bankStateVersion) throw new Error(`a state of version ${version} cannot be read`);
    const state = fromBinary(BankStateSchema, bytes);
    checkState(state);
    this.#accounts.clear();
    for (const account of state.accounts) this.#accounts.set(account.id, account);
    this.#ledger = state.ledger;
    this.#deposits = state.accounts.reduce((sum, { deposit }) => sum + deposit, 0n);
  }

  #find(id: string): Account {
    const account = this.#accounts.get(id);
    if (account === undefined) throw bankRefusal("NO_ACCOUNT", `there is no account ${id}`);
    return account;
  }
}

const maxPage = 1_000;
const maxNameLength = 64;

function checkName(what: string, name: string): void {
  if (name !== "" && name.length <= maxNameLength) return;
  throw bankRefusal("INVALID_REQUEST", `the id of a ${what} has 1 to ${maxNameLength} characters`);
}

/** The index of the first entry above the op: the ledger is sorted. */
function firstAbove(ledger: readonly LedgerEntry[], op: bigint): number {
  let low = 0;
  let high = ledger.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ledger[middle]?.op ?? 0n) > op) high = middle;
    else low = middle + 1;
  }
  return low;
}

function checkState({ accounts, ledger }: BankState): void {
  if (!isRising(accounts.map(({ id }) => id))) throw new Error("the accounts are not in their order");
  if (!isRising(ledger.map(({ op }) => op))) throw new Error("the ledger is not in its order");
  const deposits = accounts.reduce((sum, { deposit }) => sum + deposit, 0n);
  const balances = accounts.reduce((sum, { balance }) => sum + balance, 0n);
  if (deposits !== balances) throw new Error(`the balances are ${balances}, but the deposits ${deposits}`);
}

function isRising(values: readonly string[] | readonly bigint[]): boolean {
  return values.every((value, at) => {
    const before = values[at - 1];
    return before === undefined || compare(before, value) < 0;
  });
}

/** By code units: an order by language could differ between servers. */
function compare(a: string | bigint, b: string | bigint): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
