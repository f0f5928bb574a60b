// A client of the bank, as the demo starts it and tells it what to do.
import { serveCommands } from "../storage/demo/serve-commands.js";
import { compareReceipts } from "./client/compare-receipts.js";
import { type OpenBank, openBank } from "./client/open-bank.js";
import { readLedger } from "./client/read-ledger.js";
import { replayLedger } from "./client/replay-ledger.js";
import { TransferLoad } from "./client/transfer-load.js";
import { accountsOf } from "./demo/accounts-of.js";
import type { BankClientCommands } from "./demo/commands.js";
import { seededRandom } from "./demo/seeded-random.js";

/** A bank that is open, and for whom. */
let opened: (OpenBank & { readonly user: string }) | undefined;
/** Told to open it, and not to close it. */
let isBegun = false;
/** The transfers, and what they are about. */
let running:
  | { readonly load: TransferLoad; readonly ids: readonly string[]; readonly total: bigint }
  | undefined;

const commands: BankClientCommands = {
  open: async ({ addresses, login, sessions }) => {
    isBegun = true;
    opened = { ...(await openBank(addresses, login, sessions)), user: login.user };
  },
  openAccounts: async ({ deposit }) => {
    const { bank, user } = whatIsOpen();
    await Promise.all(accountsOf(user).map((id) => bank.openAccount({ id, deposit: BigInt(deposit) })));
  },
  start: async ({ users, window, seed, total }) => {
    const open = whatIsOpen();
    const { bank, user } = open;
    const own = accountsOf(user);
    const ids = users.flatMap(accountsOf);
    const sum = BigInt(total);
    const random = seededRandom(seed);
    const load = new TransferLoad({
      bank,
      user,
      own,
      all: [...own, ...ids],
      total: sum,
      sessionNumber: () => open.sessionNumber(),
      random,
    });
    running = { load, ids, total: sum };
    load.start(window);
  },
  progress: async () => {
    const { load } = whatRuns();
    failIfAny(load.problems);
    return load.outcomes.length;
  },
  place: async () => whatIsOpen().place(),
  takePause: async () => Math.round(whatRuns().load.pauses.take()),
  transferOnce: async () => whatRuns().load.once(),
  stop: async () => {
    const { load } = whatRuns();
    await load.stop();
    return load.outcomes.length;
  },
  compare: async () => {
    const open = whatIsOpen();
    const { bank, user } = open;
    const { load, ids, total } = whatRuns();
    const ledger = await readLedger(bank);
    const accounts = await Promise.all(ids.map((id) => bank.balance({ id })));
    const replay = replayLedger(accounts, ledger, total);
    const differences = compareReceipts(user, load.outcomes, ledger, replay.after);
    failIfAny([...load.problems, ...replay.problems, ...differences]);
    const receipts = load.outcomes.flatMap(({ result }) => (result.kind === "receipt" ? [result] : []));
    return {
      ...open.counts(),
      transfers: receipts.length,
      refused: load.outcomes.length - receipts.length,
      audits: load.audits,
      replays: receipts.filter(({ replayed }) => replayed).length,
      ledger: ledger.length,
    };
  },
  close: async () => {
    await whatIsOpen().close();
    opened = undefined;
    isBegun = false;
  },
};
await serveCommands(commands);
// Told to end before it was told to close: nobody is left who could wait for what is unanswered, or still being opened.
if (isBegun) process.exit();

function whatIsOpen(): OpenBank & { readonly user: string } {
  if (opened === undefined) throw new Error("the bank is not open");
  return opened;
}

function whatRuns(): NonNullable<typeof running> {
  if (running === undefined) throw new Error("no transfers were begun");
  return running;
}

function failIfAny(problems: readonly string[]): void {
  if (problems.length === 0) return;
  const more = problems.length > 5 ? ` and ${problems.length - 5} more` : "";
  throw new Error(`${problems.slice(0, 5).join("; ")}${more}`);
}
