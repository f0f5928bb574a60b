import { type Spread, spreadOf } from "../shared/spread.js";

/** Processor time that each operation took, in microseconds; null where it is not known. */
export interface CpuMicros {
  /** In the process of the clients, this one. */
  readonly client: number | null;
  /** In that of the server. */
  readonly server: number | null;
  /** In those of all members of etcd. */
  readonly etcd: number | null;
}

/** What one measurement found. */
export interface Measured {
  /** In the unit of the benchmark. */
  readonly value: number;
  readonly cpu?: CpuMicros;
  /** Entries of one transaction of etcd, on average. */
  readonly batch?: number;
}

/** Something that is compared with others. */
export interface Contestant {
  readonly name: string;
  /** Works for so many milliseconds, or until what is measured is done. */
  measure(timeMs: number): Promise<Measured>;
}

/** What the project asks for. */
export interface Target {
  readonly kind: "at least" | "below";
  readonly value: number;
}

/** A value as a multiple of another. */
export interface Ratio {
  readonly of: string;
  readonly to: string;
  /** undefined for a ratio that is only shown. */
  readonly target?: Target;
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
  readonly value: Spread;
  /** The medians of the rounds; null where it was not measured. */
  readonly cpu: CpuMicros | null;
  readonly batch: number | null;
  /** The value of each round. */
  readonly rounds: readonly number[];
}

/** What was found of a ratio: the spread of the ratios of the rounds. */
export interface RatioResult extends Spread {
  readonly of: string;
  readonly to: string;
  readonly target: Target | null;
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
  signal: AbortSignal,
): Promise<ComparisonResult> {
  const found = new Map(contestants.map(({ name }) => [name, new Array<Measured>()]));
  const measure = async (contestant: Contestant, ms: number): Promise<Measured> => {
    signal.throwIfAborted();
    return contestant.measure(ms);
  };
  if (warmupMs > 0) for (const contestant of contestants) await measure(contestant, warmupMs);
  for (let round = 0; round < rounds; round++) {
    for (const contestant of contestants) {
      found.get(contestant.name)?.push(await measure(contestant, timeMs));
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
  const rounds = measured.map(({ value }) => value);
  const cpu = measured.flatMap((one) => one.cpu ?? []);
  const batches = measured.flatMap(({ batch }) => batch ?? []);
  return {
    name,
    value: spreadOf(rounds),
    cpu:
      cpu.length === 0
        ? null
        : {
            client: medianOf(cpu.map(({ client }) => client)),
            server: medianOf(cpu.map(({ server }) => server)),
            etcd: medianOf(cpu.map(({ etcd }) => etcd)),
          },
    batch: medianOf(batches),
    rounds,
  };
}

function ratioResult(
  { of, to, target }: Ratio,
  measured: readonly Measured[],
  baseline: readonly Measured[],
): RatioResult {
  const ratios = measured.map(({ value }, round) => value / (baseline[round]?.value ?? Number.NaN));
  const spread = spreadOf(ratios);
  return { of, to, ...spread, target: target ?? null, met: isMet(spread.median, target) };
}

function isMet(ratio: number, target: Target | undefined): boolean | null {
  if (target === undefined) return null;
  return target.kind === "at least" ? ratio >= target.value : ratio < target.value;
}

function medianOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : spreadOf(known).median;
}
