import { setImmediate } from "node:timers/promises";
import { type Spread, spreadOf } from "../shared/spread.js";

/** Something whose cost is compared with that of another. */
export interface Subject {
  readonly name: string;
  /** The name of the one that it is compared with; undefined for one that others are compared with. */
  readonly to?: string;
  /**
   * Works for so many milliseconds, or until the signal ends, with whose reason it then rejects; resolves with the
   * microseconds of processor time of this process for each operation.
   */
  measure(timeMs: number, signal: AbortSignal): Promise<number>;
}

/** How often and how long each is measured. */
export interface RoundSettings {
  readonly rounds: number;
  readonly timeMs: number;
  /** Milliseconds of work of each before the first round. */
  readonly warmupMs: number;
}

/** What was found of a subject. */
export interface CostRow {
  readonly name: string;
  /** Microseconds of processor time for each operation. */
  readonly micros: Spread;
  /** What it is compared with; null for one that others are compared with. */
  readonly to: string | null;
  /** The cost as a multiple of the other's: the spread of the ratios of the rounds. */
  readonly ratio: Spread | null;
  /** The microseconds of each round. */
  readonly rounds: readonly number[];
}

/**
 * Measures the subjects by turns, each once in a round: what a machine does beside comes to all of them, and a ratio is
 * one of neighbours in time. Each round begins with another one, so that none always works on what the same one left.
 */
export async function compareCosts(
  subjects: readonly Subject[],
  { rounds, timeMs, warmupMs }: RoundSettings,
  signal: AbortSignal,
): Promise<CostRow[]> {
  const found = new Map(subjects.map(({ name }) => [name, new Array<number>()]));
  const measured = (name: string): number[] => {
    const all = found.get(name);
    if (all === undefined) throw new Error(`there is nothing named ${name} to compare with`);
    return all;
  };
  for (const { to } of subjects) if (to !== undefined) measured(to);
  const measure = async (subject: Subject, forMs: number) => {
    // What the one before has left under way is not to be counted here, and signals of the system must get through.
    await setImmediate();
    signal.throwIfAborted();
    return subject.measure(forMs, signal);
  };
  if (warmupMs > 0) for (const subject of subjects) await measure(subject, warmupMs);
  for (let round = 0; round < rounds; round++) {
    const first = round % subjects.length;
    for (const subject of [...subjects.slice(first), ...subjects.slice(0, first)]) {
      measured(subject.name).push(await measure(subject, timeMs));
    }
  }
  return subjects.map(({ name, to }) => costRow(name, to, measured));
}

function costRow(
  name: string,
  to: string | undefined,
  measured: (name: string) => readonly number[],
): CostRow {
  const rounds = measured(name);
  const micros = spreadOf(rounds);
  if (to === undefined) return { name, micros, to: null, ratio: null, rounds };
  const others = measured(to);
  const ratios = rounds.map((one, round) => one / (others[round] ?? Number.NaN));
  return { name, micros, to, ratio: spreadOf(ratios), rounds };
}
