import { expect, it } from "vitest";
import { checkLeaks } from "../../helpers/leaks.js";
import { checkSeeds } from "./check-seeds.js";

/**
 * A test over seeds. `QUORATE_SEED=7` runs that one alone, in whichever test has it; `QUORATE_SEED=1001-5000` runs those
 * in place of the ones of the first test.
 */
export function itFindsNoViolation(first: number, last: number): void {
  checkLeaks();
  const seeds = seedsOf(first, last, process.env["QUORATE_SEED"]);
  const range = `seeds ${seeds[0] ?? "none"} to ${seeds.at(-1) ?? "none"}`;

  it(`is linearizable and applies each request at most once, whatever goes wrong: ${range}`, async () => {
    const { happened, histories, operations } = await checkSeeds(seeds);
    const counts = Object.entries(happened).map(([kind, count]) => `${kind}: ${count}`);
    console.log([`${range}: ${histories} histories, ${operations} operations`, ...counts].join("\n  "));
    expect(histories).toBe(seeds.length);
    // A kind of fault that never happened was not tested. A few seeds alone cannot have them all.
    const isWhole = seeds.length >= 100;
    const missing = Object.keys(happened).filter((kind) => isWhole && happened[kind] === 0);
    expect(missing).toEqual([]);
  }, 300_000);
}

/** The seeds of a test, or those that were asked for in their place. */
function seedsOf(first: number, last: number, asked: string | undefined): number[] {
  if (asked === undefined) return range(first, last);
  const [from = 0, to = from] = asked.split("-").map(Number);
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from < 1) {
    throw new Error(`QUORATE_SEED is a seed or from-to; it is ${asked}`);
  }
  if (from === to) return from >= first && from <= last ? [from] : [];
  return first === 1 ? range(from, to) : [];
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}
