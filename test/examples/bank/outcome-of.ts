import { expect } from "vitest";
import type { StepResult } from "../../../examples/storage/demo/steps.js";
import type { BankDemo } from "./start-bank-demo.js";

/** How a demo with `--json` ended. */
export interface DemoOutcome {
  readonly code: number | null;
  /** What lies in its folder for temporary files. */
  readonly left: readonly string[];
  readonly ok: boolean;
  readonly last: StepResult | undefined;
}

/** Waits until a demo has ended, with all its processes. */
export async function outcomeOf({ demo, left }: Pick<BankDemo, "demo" | "left">): Promise<DemoOutcome> {
  const { code } = await demo.ended;
  await demo.untilNothingIsLeft();
  const { ok, steps } = JSON.parse(demo.output.stdout) as { ok: boolean; steps: readonly StepResult[] };
  return { code, left: await left(), ok, last: steps.at(-1) };
}

/** The outcome of a demo that found transfers which were made more than once. */
export const doubles: DemoOutcome = {
  code: 1,
  left: [],
  ok: false,
  last: expect.objectContaining({
    name: "compare receipts and ledger",
    ok: false,
    detail: expect.stringMatching(/ was applied more than once/),
  }),
};
