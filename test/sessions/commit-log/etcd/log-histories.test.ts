import { describe, expect, it } from "vitest";
import { checkLeaks } from "../../../helpers/leaks.js";
import { faultKinds } from "../../linearizability/faults.js";
import { runLogHistory } from "./log-history.js";

checkLeaks();

const histories = 120;

describe("a log in etcd, whatever goes wrong", () => {
  /** `QUORATE_LOG_SEED=7` runs that history alone, `QUORATE_LOG_SEED=1001-5000` those. */
  const [first = 1, last = first] = process.env["QUORATE_LOG_SEED"]?.split("-").map(Number) ?? [1, histories];

  it(`keeps what a log promises: seeds ${first} to ${last}`, async () => {
    const counts = new Map<string, number>();
    for (let seed = first; seed <= last; seed++) {
      const history = await runLogHistory(seed).catch((error: unknown) => {
        throw new Error(`the history of seed ${seed} has failed (QUORATE_LOG_SEED=${seed} runs it alone)`, {
          cause: error,
        });
      });
      for (const [what, count] of [...history.faults, ...history.counts]) {
        counts.set(what, (counts.get(what) ?? 0) + count);
      }
    }
    const text = [...counts].map(([what, count]) => `${what}: ${count}`).sort((a, b) => a.localeCompare(b));
    console.log([`${last - first + 1} histories of a log in etcd`, ...text].join("\n  "));
    if (last - first < 100) return;
    const kinds = faultKinds.filter((kind) => kind.startsWith("etcd"));
    const others = [
      "appended",
      "not-appended",
      "unknown",
      "tail",
      "truncated",
      "saved",
      "reading failed",
      "left a reader",
    ];
    for (const what of [...kinds, ...others]) expect(counts.get(what) ?? 0, what).toBeGreaterThan(0);
  }, 300_000);
});
