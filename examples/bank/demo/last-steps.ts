import { expect, type Steps } from "../../storage/demo/steps.js";
import type { BankClients } from "./bank-clients.js";
import type { BankServer } from "./bank-server.js";

/** Runs a step that comes to more than there is to tell of it. */
export async function stepWithResult<Result>(
  steps: Steps,
  name: string,
  step: () => Promise<{ readonly result: Result; readonly told: string }>,
): Promise<Result> {
  let found: { readonly result: Result } | undefined;
  await steps.run(name, async () => {
    const { result, told } = await step();
    found = { result };
    return told;
  });
  if (found === undefined) throw new Error(`${name}: there is no result`);
  return found.result;
}

/** The end of a demo: fails if the run shows nothing, tells the report, and ends all processes in order. */
export async function runLastSteps(
  steps: Steps,
  report: { readonly missing: readonly string[]; readonly lines: readonly string[] },
  clients: Pick<BankClients, "close">,
  servers: readonly Pick<BankServer, "totals" | "stop">[],
): Promise<void> {
  await steps.run("look whether that proves anything", async () => {
    expect(report.missing.length === 0, report.missing.join("; "));
    return report.lines.join("\n                 ");
  });
  await steps.run("close in order", () => clients.close(servers));
}
