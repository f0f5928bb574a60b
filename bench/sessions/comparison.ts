import { type Spread, spreadOf } from "../shared/spread.js";

/** What one measurement found. */
export interface Measured {
  /** Operations in a second. */
  readonly perSecond: number;
  /** Microseconds of processor time that each operation took in the server and in the client, where that was measured. */
  readonly cpu?: { readonly serverMicros: number; readonly clientMicros: number };
}

/** Something whose rate is compared with that of others. */
export interface Contestant {
  readonly name: string;
  /** Works for so many milliseconds. */
  measure(timeMs: number): Promise<Measured>;
}

/** A rate as a multiple of another. */
export interface Ratio {
  readonly of: string;
  readonly to: string;
  /** What the project asks for; undefined for a ratio that is only shown. */
  readonly atLeast?: number;
}

/** How often and how long each is measured. */
export interface RoundSettings {
  readonly rounds: number;
  readonly timeMs: number;
  /** Milliseconds of work before the first round. */
  readonly warmupMs: number;
}

/** What was found of a contestant. */
export interface ContestantResult {
  readonly name: string;
  readonly perSecond: Spread;
  /** The medians of the rounds; null where it was not measured. */
  readonly serverMicros: number | null;
  readonly clientMicros: number | null;
  /** The rate of each round. */
  readonly rounds: readonly number[];
}

/** What was found of a ratio: the spread of the ratios of the rounds. */
export interface RatioResult extends Spread {
  readonly of: string;
  readonly to: string;
  readonly atLeast: number | null;
  /** Whether the median is what was asked for; null if nothing was. */
  readonly met: boolean | null;
}

/** What a comparison found. */
export interface ComparisonResult {
  readonly contestants: readonly ContestantResult[];
  readonly ratios: readonly RatioResult[];
}

/**
 * Measures the contestants by turns, one after the other in each round: what a machine does beside comes to all of them,
 * and a ratio is one of neighbours in time.
 */
export async function compare(
  contestants: readonly Contestant[],
  ratios: readonly Ratio[],
  { rounds, timeMs, warmupMs }: RoundSettings,
): Promise<ComparisonResult> {
  const found = new Map(contestants.map((contestant) => [contestant.name, new Array<Measured>()]));
  if (warmupMs > 0) for (const contestant of contestants) await contestant.measure(warmupMs);
  for (let round = 0; round < rounds; round++) {
    for (const contestant of contestants) {
      found.get(contestant.name)?.push(await contestant.measure(timeMs));
    }
  }
  const measured = (name: string): Measured[] => {
    const all = found.get(name);
    if (all === undefined) throw new Error(`there is no contestant ${name}`);
    return all;
  };
  return {
    contestants: contestants.map(({ name }) => contestantResult(name, measured(name))),
    ratios: ratios.map((ratio) => ratioResult(ratio, measured(ratio.of), measured(ratio.to))),
  };
}

function contestantResult(name: string, measured: readonly Measured[]): ContestantResult {
  const rounds = measured.map(({ perSecond }) => perSecond);
  const cpu = measured.flatMap((one) => one.cpu ?? []);
  const median = (of: (one: (typeof cpu)[number]) => number) =>
    cpu.length === 0 ? null : spreadOf(cpu.map(of)).median;
  return {
    name,
    perSecond: spreadOf(rounds),
    serverMicros: median(({ serverMicros }) => serverMicros),
    clientMicros: median(({ clientMicros }) => clientMicros),
    rounds,
  };
}

function ratioResult(
  { of, to, atLeast }: Ratio,
  measured: readonly Measured[],
  baseline: readonly Measured[],
): RatioResult {
  const ratios = measured.map(
    ({ perSecond }, round) => perSecond / (baseline[round]?.perSecond ?? Number.NaN),
  );
  const spread = spreadOf(ratios);
  const met = atLeast === undefined ? null : spread.median >= atLeast;
  return { of, to, ...spread, atLeast: atLeast ?? null, met };
}
