import { AsyncLocalStorage } from "node:async_hooks";
import { type CostRow, compareCosts, type RoundSettings, type Subject } from "./compare-costs.js";
import { operationCost } from "./operation-cost.js";

/** What an `AsyncLocalStorage` costs everybody who awaits, whatever it is used for: Node's part of what sessions cost. */
export function awaitCosts(settings: RoundSettings, signal: AbortSignal): Promise<CostRow[]> {
  const subjects: Subject[] = [
    { name: "no storage", measure: (timeMs, ended) => operationCost(timeMs, ended, awaitAnswers) },
    {
      name: "outside",
      to: "no storage",
      measure: (timeMs, ended) =>
        withStorage((storage) => {
          storage.run("elsewhere", () => {});
          return operationCost(timeMs, ended, awaitAnswers);
        }),
    },
    {
      name: "inside",
      to: "no storage",
      measure: (timeMs, ended) =>
        withStorage((storage) => storage.run("here", () => operationCost(timeMs, ended, awaitAnswers))),
    },
  ];
  return compareCosts(subjects, settings, signal);
}

/** A storage is in use from its first value on, until it is disabled. */
async function withStorage(
  measure: (storage: AsyncLocalStorage<string>) => Promise<number>,
): Promise<number> {
  const storage = new AsyncLocalStorage<string>();
  try {
    return await measure(storage);
  } finally {
    storage.disable();
  }
}

async function awaitAnswers(times: number): Promise<void> {
  for (let at = 0; at < times; at++) await answer(at);
}

async function answer(at: number): Promise<number> {
  return at;
}
