import type { MessageInitShape } from "@bufbuild/protobuf";
import type { LedgerEntry, LedgerPage, LedgerRequestSchema } from "../gen/bank/v1/bank_pb.js";

/** What {@link readLedger} calls. */
export interface LedgerCalls {
  ledger(request: MessageInitShape<typeof LedgerRequestSchema>): Promise<LedgerPage>;
}

/** The whole ledger, page by page. */
export async function readLedger(bank: LedgerCalls, limit = 500): Promise<LedgerEntry[]> {
  const entries: LedgerEntry[] = [];
  for (;;) {
    const page = await bank.ledger({ afterOp: entries.at(-1)?.op ?? 0n, limit });
    entries.push(...page.entries);
    if (!page.more) return entries;
    // An empty page would be asked for again and again.
    if (page.entries.length === 0)
      throw new Error("the ledger gives a page without entries, and says there are more");
  }
}
