import type { Account, LedgerEntry } from "../gen/bank/v1/bank_pb.js";

/** What the accounts come to by the ledger. */
export interface LedgerReplay {
  /** What the two accounts of a transfer had right after it, by its op. */
  readonly after: ReadonlyMap<bigint, { readonly from: bigint; readonly to: bigint }>;
  /** What is wrong, in words. */
  readonly problems: readonly string[];
}

/**
 * Makes all transfers of the ledger once more, from the deposits on, and compares with the accounts as they are: every
 * balance, every name of a transfer, and the sum, which must be `total`.
 */
export function replayLedger(
  accounts: readonly Account[],
  ledger: readonly LedgerEntry[],
  total: bigint,
): LedgerReplay {
  const problems: string[] = [];
  const balances = new Map(accounts.map(({ id, deposit }) => [id, deposit]));
  const after = new Map<bigint, { from: bigint; to: bigint }>();
  const names = new Set<string>();
  let lastOp = 0n;
  for (const { op, transferId, from, to, amount } of ledger) {
    if (op <= lastOp) problems.push(`${transferId} has op ${op}, which is not above ${lastOp}`);
    lastOp = op;
    if (names.has(transferId)) problems.push(`${transferId} was applied more than once`);
    names.add(transferId);
    const fromBalance = (balances.get(from) ?? 0n) - amount;
    const toBalance = (balances.get(to) ?? 0n) + amount;
    if (fromBalance < 0n) problems.push(`${transferId} overdraws ${from}`);
    balances.set(from, fromBalance).set(to, toBalance);
    after.set(op, { from: fromBalance, to: toBalance });
  }
  for (const { id, balance } of accounts) {
    const expected = balances.get(id);
    if (balance !== expected) problems.push(`${id} has ${balance}, but by the ledger ${expected}`);
  }
  for (const id of balances.keys()) {
    if (!accounts.some((account) => account.id === id))
      problems.push(`the ledger names ${id}, which is none`);
  }
  const sum = accounts.reduce((all, { balance }) => all + balance, 0n);
  if (sum !== total) problems.push(`all accounts have ${sum}, expected ${total}`);
  return { after, problems };
}
