import { expect, type Steps, until } from "../../storage/demo/steps.js";
import { BankClients } from "./bank-clients.js";
import type { PlannedFault } from "./fault-plan.js";
import { runLastSteps, stepWithResult } from "./last-steps.js";
import { addUp } from "./load-report.js";
import { makeFault } from "./make-fault.js";
import type { DemoOptions } from "./read-options.js";
import { countFaults, describeReport, missingProof, type RunReport } from "./run-report.js";
import type { Scene } from "./scene.js";

/** Runs the demo step by step, and returns what it came to. Throws where a step fails. */
export async function runSteps(
  steps: Steps,
  { server, clients: all }: Scene,
  plan: readonly PlannedFault[],
  { seed, sessions }: Pick<DemoOptions, "seed" | "sessions">,
): Promise<RunReport> {
  const clients = new BankClients(all);

  await steps.run("start a server with its log in files", async () => {
    const address = await server.start();
    return `it listens on ${address}, and each client goes through a proxy of its own`;
  });

  await steps.run(sessions ? "open four sessions" : "open no sessions", async () => {
    const told = await clients.open(sessions, ({ proxy }) => [`127.0.0.1:${proxy.port}`]);
    const open = (await server.totals()).sessions;
    expect(open === (sessions ? all.length : 0), `the server has ${open} sessions`);
    return told;
  });

  await steps.run("open accounts, and begin to transfer", () => clients.begin(seed));

  let before = 0;
  for (const [at, { afterTransfers, fault }] of plan.entries()) {
    await steps.run(`fault ${at + 1} of ${plan.length}`, async () => {
      const now = await until(
        () => clients.answered(),
        (count) => count >= before + afterTransfers,
      );
      const told = await makeFault(fault, all, server);
      const detail = `${now - before} transfers, then ${told}`;
      before = now;
      return detail;
    });
  }

  await steps.run("go on, and stop", async () => {
    await until(
      () => clients.answered(),
      (count) => count >= before + 100,
    );
    return clients.stop();
  });

  const report = await stepWithResult<RunReport>(steps, "compare receipts and ledger", async () => {
    const { reports, told } = await clients.compare();
    const totals = await server.totals();
    const result = {
      seed,
      faults: countFaults(plan),
      ...addUp(reports, [totals]),
      entries: totals.appliedOp,
    };
    return { result, told };
  });
  const told = { missing: missingProof(report), lines: describeReport(report) };
  await runLastSteps(steps, told, clients, [server]);
  return report;
}
