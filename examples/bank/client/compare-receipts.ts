import type { LedgerEntry } from "../gen/bank/v1/bank_pb.js";
import type { LedgerReplay } from "./replay-ledger.js";
import type { TransferOutcome } from "./transfer-load.js";

/**
 * What differs between what a client was told of its transfers and what the ledger says of them, in words: each with a
 * receipt stands there once, just as the receipt says, each that was refused does not, and there are no others of the
 * user.
 */
export function compareReceipts(
  user: string,
  outcomes: readonly TransferOutcome[],
  ledger: readonly LedgerEntry[],
  after: LedgerReplay["after"],
): string[] {
  const problems: string[] = [];
  const entries = new Map<string, LedgerEntry[]>();
  for (const entry of ledger) {
    if (entry.user !== user) continue;
    const same = entries.get(entry.transferId) ?? [];
    entries.set(entry.transferId, [...same, entry]);
  }
  for (const outcome of outcomes) {
    const { transferId } = outcome;
    const found = entries.get(transferId) ?? [];
    entries.delete(transferId);
    problems.push(...problemsOf(outcome, found, after).map((problem) => `${transferId} ${problem}`));
  }
  for (const transferId of entries.keys()) problems.push(`${transferId} was never asked for`);
  return problems;
}

function problemsOf(
  { from, to, amount, result }: TransferOutcome,
  found: readonly LedgerEntry[],
  after: LedgerReplay["after"],
): string[] {
  if (result.kind === "failed") return [`has no answer, and was applied ${found.length} times`];
  if (result.kind === "refused") {
    return found.length === 0 ? [] : [`was refused, ${result.reason}, and applied ${found.length} times`];
  }
  const [entry] = found;
  if (entry === undefined || found.length > 1)
    return [`has a receipt, and was applied ${found.length} times`];
  if (entry.from !== from || entry.to !== to || entry.amount !== amount) {
    return ["is another transfer in the ledger"];
  }
  const { op, fromBalance, toBalance } = result.receipt;
  if (entry.op !== op) return [`has a receipt of op ${op}, and stands at op ${entry.op}`];
  const balances = after.get(op);
  if (balances?.from === fromBalance && balances.to === toBalance) return [];
  return [`has a receipt of balances ${fromBalance} and ${toBalance}, which they never were`];
}
