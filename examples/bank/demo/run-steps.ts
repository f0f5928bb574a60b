import { expect, type Steps, until } from "../../storage/demo/steps.js";
import { accountsOf } from "./accounts-of.js";
import type { ClientReport } from "./commands.js";
import type { PlannedFault } from "./fault-plan.js";
import { makeFault } from "./make-fault.js";
import type { DemoOptions } from "./read-options.js";
import { countFaults, describeReport, missingProof, type RunReport } from "./run-report.js";
import type { Scene } from "./scene.js";

/** Transfers that each client has under way at a time. */
const transfersAtATime = 8;
/** What each account begins with; far more than the transfers of a run can move. */
const deposit = 1_000_000;

/** Runs the demo step by step, and returns what it came to. Throws where a step fails. */
export async function runSteps(
  steps: Steps,
  { server, clients }: Scene,
  plan: readonly PlannedFault[],
  { seed, sessions }: Pick<DemoOptions, "seed" | "sessions">,
): Promise<RunReport> {
  const users = clients.map(({ login }) => login.user);
  const eachClient = <Answer>(ask: (client: (typeof clients)[number], at: number) => Promise<Answer>) =>
    Promise.all(clients.map(ask));
  const answered = async () => sum(await eachClient(({ worker }) => worker.run("progress")));

  await steps.run("start a server with its log in files", async () => {
    const address = await server.start();
    return `it listens on ${address}, and each client goes through a proxy of its own`;
  });

  await steps.run(sessions ? "open four sessions" : "open no sessions", async () => {
    await eachClient(({ worker, login, proxy }) =>
      worker.run("open", { address: `127.0.0.1:${proxy.port}`, login, sessions }),
    );
    const open = (await server.totals()).sessions;
    expect(open === (sessions ? clients.length : 0), `the server has ${open} sessions`);
    return clients.map(({ login }) => `${login.user} by ${login.kind}`).join(", ");
  });

  const total = users.flatMap(accountsOf).length * deposit;
  await steps.run("open accounts, and begin to transfer", async () => {
    await eachClient(({ worker }) => worker.run("openAccounts", { deposit }));
    await eachClient(({ worker }, at) =>
      worker.run("start", { users, window: transfersAtATime, total, seed: seed * clients.length + at }),
    );
    return `${total} in all; ${clients.length} clients with ${transfersAtATime} transfers at a time`;
  });

  let before = 0;
  for (const [at, { afterTransfers, fault }] of plan.entries()) {
    await steps.run(`fault ${at + 1} of ${plan.length}`, async () => {
      const now = await until(answered, (count) => count >= before + afterTransfers);
      const told = await makeFault(fault, clients, server);
      const detail = `${now - before} transfers, then ${told}`;
      before = now;
      return detail;
    });
  }

  await steps.run("go on, and stop", async () => {
    await until(answered, (count) => count >= before + 100);
    const counts = await eachClient(({ worker }) => worker.run("stop"));
    return `${sum(counts)} transfers were asked for, and all of them are answered`;
  });

  let report: RunReport | undefined;
  await steps.run("compare receipts and ledger", async () => {
    const reports = await eachClient(({ worker }) => worker.run("compare"));
    const made = makeReport(reports, await server.totals(), plan, seed);
    expect(
      reports.every(({ ledger }) => ledger === made.transfers),
      `the ledger has ${reports.map(({ ledger }) => ledger).join(", ")} entries, and there are ${made.transfers} receipts`,
    );
    report = made;
    return `${made.transfers} receipts, ${made.transfers} entries, the same ones; the accounts have ${total}, as before`;
  });
  if (report === undefined) throw new Error("there is no report");
  const made = report;

  await steps.run("look whether that proves anything", async () => {
    const missing = missingProof(made);
    expect(missing.length === 0, missing.join("; "));
    return describeReport(made).join("\n                 ");
  });

  await steps.run("close in order", async () => {
    await eachClient(({ worker }) => worker.run("close"));
    const left = (await server.totals()).sessions;
    expect(left === 0, `the server still has ${left} sessions`);
    const codes = [...(await eachClient(({ worker }) => worker.stop())), await server.stop()];
    expect(
      codes.every((code) => code === 0),
      `exit codes ${codes.join(", ")}`,
    );
    return "the sessions are gone, and all processes ended with exit code 0";
  });
  return made;
}

function makeReport(
  clients: readonly ClientReport[],
  totals: Awaited<ReturnType<Scene["server"]["totals"]>>,
  plan: readonly PlannedFault[],
  seed: number,
): RunReport {
  const add = (name: keyof ClientReport) => sum(clients.map((client) => client[name]));
  return {
    seed,
    faults: countFaults(plan),
    transfers: add("transfers"),
    refused: add("refused"),
    audits: add("audits"),
    registrations: add("registrations"),
    retries: add("retries"),
    duplicates: Math.max(totals.joined + totals.replayed, add("replays")),
    joined: totals.joined,
    replays: add("replays"),
    snapshots: totals.snapshots,
    restores: totals.restores,
    entries: totals.appliedOp,
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, number) => all + number, 0);
}
