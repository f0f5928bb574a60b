import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openFileLog } from "../../../src/sessions/commit-log/file-log.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { seededRandom } from "../../helpers/seeded-random.js";
import { begun, readAll, text } from "./log-helpers.js";
import { startChild } from "./start-child.js";

checkLeaks();

const roundsPerLog = 10;

describe("a file log whose process is killed", () => {
  // Two at a time, since most of a round is the start of a process.
  it.concurrent.each([1, 2])(
    "has every acknowledged entry after each restart, and no other, seed %d",
    async (seed) => {
      const random = seededRandom(seed);
      const directory = await mkdtemp(join(tmpdir(), "quorate-kill-"));
      try {
        const acknowledged = new Map<number, string>();
        for (let round = 1; round <= roundsPerLog; round++) {
          await using child = startChild(directory, `round${round}`);
          await child.lines(2 + Math.floor(random() ** 2 * 400));
          const lines = await child.kill();
          expect(lines[0]).toBe("open");
          expect(await problems(directory, lines, acknowledged), `seed ${seed}, round ${round}`).toEqual([]);
        }
        expect(acknowledged.size).toBeGreaterThan(roundsPerLog);
      } finally {
        await rm(directory, { recursive: true });
      }
    },
    60_000,
  );
});

/** Holds the log against all that was acknowledged; adds what the last process has said. */
async function problems(
  directory: string,
  lines: readonly string[],
  acknowledged: Map<number, string>,
): Promise<string[]> {
  let snapshotOp = 0;
  for (const line of lines.slice(1)) {
    const [word = "", what = ""] = line.split(" ");
    if (word === "snapshot") snapshotOp = Number(what);
    else acknowledged.set(Number(word), what);
  }
  await using log = await begun(await openFileLog({ directory }));
  const snapshot = await log.loadSnapshot();
  const from = snapshot?.op ?? 0;
  const found = (await readAll(log, from)).map(({ op, entry }) => [op, text(entry)] as const);
  const inLog = new Map(found);
  const missing = [...acknowledged].filter(([op, entry]) => op > from && inLog.get(op) !== entry);
  const gaps = found.filter(([op], at) => op !== from + 1 + at);
  const invented = found.filter(([, entry]) => !/^round\d+\.\d+$/.test(entry));
  const twice = found.length - new Set(found.map(([, entry]) => entry)).size;
  const stale = from < snapshotOp || (snapshot !== undefined && text(snapshot.bytes) !== `state at ${from}`);
  return [
    ...missing.map((each) => `missing: ${each}`),
    ...gaps.map((each) => `behind a gap: ${each}`),
    ...invented.map((each) => `invented: ${each}`),
    ...(twice > 0 ? [`${twice} entries are there twice`] : []),
    ...(stale ? [`the snapshot at ${snapshotOp} is lost, or not as it was`] : []),
  ];
}
