import { afterAll, describe, expect, it } from "vitest";
import { checkLeaks } from "../../helpers/leaks.js";
import { useEtcd } from "../../helpers/use-etcd.js";
import { faultKinds } from "./fault-plan.js";
import { planHistory } from "./history-plan.js";
import { Host } from "./host.js";
import { runWave, waveMs } from "./run-wave.js";
import { type Counts, underWayAt } from "./wave-report.js";

const seed = numberOf("QUORATE_SEED", 1);
const histories = numberOf("QUORATE_HISTORIES", 200);
/** How many run at once. */
const waveSize = 50;
const waves = Math.ceil(histories / waveSize);

/** The first number, where there is a range. */
function numberOf(name: string, otherwise: number): number {
  const [text] = process.env[name]?.split("-") ?? [];
  if (text === undefined) return otherwise;
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new Error(`${name} is a number from 1 on; it is ${text}`);
  return Number(text);
}

checkLeaks();

describe("registers on three servers over a three-member etcd", () => {
  const etcd = useEtcd({ members: 3 });
  const hostProblems: string[] = [];
  let hosts: Host[] = [];
  const killHosts = () => Promise.all(hosts.map((host) => host.kill()));
  // After a time-out the test itself does not come to it.
  afterAll(killHosts);

  it(
    `are linearizable in ${histories} histories, whatever is killed or stopped: seed ${seed}`,
    async () => {
      hosts = [1, 2, 3].map((at) => new Host(`host-${at}`, (problem) => hostProblems.push(problem)));
      const totals = new Map<string, number>();
      try {
        for (let wave = 0; wave < waves; wave++) {
          for (const [what, more] of Object.entries(await run(wave))) {
            totals.set(what, (totals.get(what) ?? 0) + more);
          }
        }
      } finally {
        await killHosts();
      }
      const lines = [...totals].map(([what, count]) => `${what}: ${count}`);
      console.log([`${histories} histories of seed ${seed}`, ...lines].join("\n  "));
      // What never happened was not tested. A few histories alone cannot have it all.
      const missing = [...totals].filter(([, count]) => histories >= 100 && count === 0);
      expect(missing).toEqual([]);
    },
    60_000 + waves * (waveMs + 100_000),
  );

  async function run(wave: number): Promise<Counts> {
    const first = wave * waveSize;
    const plans = Array.from({ length: Math.min(waveSize, histories - first) }, (_, at) =>
      planHistory(1_000_000 * seed + first + at),
    );
    const init = { seed: 1_000 * seed + wave, plans, etcd: etcd(), hosts, hostProblems };
    const counts = await runWave(init).catch((error: unknown) => {
      const name = `wave ${wave + 1} of QUORATE_SEED=${seed} QUORATE_HISTORIES=${histories}`;
      throw new Error(`${name} has problems:\n${String(error)}`, { cause: error });
    });
    for (const kind of faultKinds) {
      expect(counts[underWayAt(kind)], `${underWayAt(kind)}, wave ${wave + 1}`).toBeGreaterThan(0);
    }
    return counts;
  }
});
