import { expect } from "../../storage/demo/steps.js";
import { accountsOf } from "./accounts-of.js";
import type { BankServer } from "./bank-server.js";
import type { ClientProcess } from "./client-process.js";
import type { ClientReport } from "./commands.js";
import { sum } from "./load-report.js";

/** Transfers that each client has under way at a time. */
const transfersAtATime = 8;
/** What each account begins with; far more than the transfers of a run can move. */
const deposit = 1_000_000;

/** The clients of a demo, who are told together what to do. */
export class BankClients<Client extends ClientProcess = ClientProcess> {
  readonly all: readonly Client[];
  #total = 0;

  constructor(all: readonly Client[]) {
    this.all = all;
  }

  /** Asks all of them at once. */
  each<Answer>(ask: (client: Client, at: number) => Promise<Answer>): Promise<Answer[]> {
    return Promise.all(this.all.map(ask));
  }

  /** Connects them, each to its servers; tells who they are. */
  async open(
    sessions: boolean,
    addressesOf: (client: Client, at: number) => readonly string[],
  ): Promise<string> {
    await this.each((client, at) => {
      const { worker, login } = client;
      return worker.run("open", { addresses: addressesOf(client, at), login, sessions });
    });
    return this.all.map(({ login }) => `${login.user} by ${login.kind}`).join(", ");
  }

  /** Opens accounts, and begins to transfer between them; tells so. */
  async begin(seed: number): Promise<string> {
    const users = this.all.map(({ login }) => login.user);
    const total = users.flatMap(accountsOf).length * deposit;
    this.#total = total;
    await this.each(({ worker }) => worker.run("openAccounts", { deposit }));
    await this.each(({ worker }, at) =>
      worker.run("start", { users, window: transfersAtATime, total, seed: seed * users.length + at }),
    );
    return `${total} in all; ${users.length} clients with ${transfersAtATime} transfers at a time`;
  }

  /** Transfers that are answered. Fails if something is wrong already. */
  async answered(): Promise<number> {
    return sum(await this.each(({ worker }) => worker.run("progress")));
  }

  /** Begins no more transfers, and waits for those that were begun; tells how many there were. */
  async stop(): Promise<string> {
    const counts = await this.each(({ worker }) => worker.run("stop"));
    return `${sum(counts)} transfers were asked for, and all of them are answered`;
  }

  /** Has each compare its receipts with the ledger, and the ledger with the accounts. Fails if anything differs. */
  async compare(): Promise<{ readonly reports: readonly ClientReport[]; readonly told: string }> {
    const reports = await this.each(({ worker }) => worker.run("compare"));
    const receipts = sum(reports.map(({ transfers }) => transfers));
    const entries = reports.map(({ ledger }) => ledger);
    expect(
      entries.every((count) => count === receipts),
      `the ledger has ${entries.join(", ")} entries, and there are ${receipts} receipts`,
    );
    const told = `${receipts} receipts, ${receipts} entries, the same ones; the accounts have ${this.#total}, as before`;
    return { reports, told };
  }

  /** Closes the sessions, then ends all processes, those of the servers too; fails if anything is left. */
  async close(servers: readonly Pick<BankServer, "totals" | "stop">[]): Promise<string> {
    await this.each(({ worker }) => worker.run("close"));
    for (const server of servers) {
      const left = (await server.totals()).sessions;
      expect(left === 0, `the server still has ${left} sessions`);
    }
    const codes = await this.each(({ worker }) => worker.stop());
    for (const server of servers) codes.push(await server.stop());
    expect(
      codes.every((code) => code === 0),
      `exit codes ${codes.join(", ")}`,
    );
    return "the sessions are gone, and all processes ended with exit code 0";
  }
}
