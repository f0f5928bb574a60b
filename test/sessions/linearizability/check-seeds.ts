import { describeOperation } from "./explain-violation.js";
import { faultKinds } from "./faults.js";
import { type Simulated, simulate } from "./simulate.js";

/** What happened in the runs of some seeds. */
export interface SeedsReport {
  readonly histories: number;
  readonly operations: number;
  /** How often each kind of fault happened, and whatever else a run without which would prove nothing. */
  readonly happened: { readonly [kind: string]: number };
}

/**
 * Runs a simulation per seed.
 *
 * @throws Error for the first seed whose run has problems: with the seed, the problems and the history.
 */
export async function checkSeeds(seeds: readonly number[]): Promise<SeedsReport> {
  const { stackTraceLimit } = Error;
  // Nobody reads the traces of the errors in good runs, and they take a tenth of the time.
  if (seeds.length > 1) Error.stackTraceLimit = 0;
  try {
    return await runSeeds(seeds);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

async function runSeeds(seeds: readonly number[]): Promise<SeedsReport> {
  const happened: Record<string, number> = Object.fromEntries(faultKinds.map((kind) => [kind, 0]));
  let operations = 0;
  for (const seed of seeds) {
    const simulated = await simulate(seed).catch((error: unknown) => {
      throw new Error(`the run of ${repeat(seed)} has failed`, { cause: error });
    });
    if (simulated.problems.length > 0) throw new Error(describeRun(seed, simulated));
    operations += simulated.history.checked.length;
    for (const [kind, count] of countsOf(simulated)) happened[kind] = (happened[kind] ?? 0) + count;
  }
  return { histories: seeds.length, operations, happened };
}

function countsOf({ faults, totals }: Simulated): readonly (readonly [string, number])[] {
  return [
    ...faults,
    ["request sent again, in flight already", totals.joined],
    ["request sent again, applied already", totals.replayed],
    ["session restored", totals.restored],
    ["session ended by the servers", totals.ended],
    ["reply recovered", totals.recovered],
  ];
}

/** All that helps to find out what went wrong. */
export function describeRun(seed: number, simulated: Simulated): string {
  const { history, problems } = simulated;
  return [
    `the run of ${repeat(seed)} has problems:`,
    ...problems,
    "what happened:",
    ...countsOf(simulated).map(([kind, count]) => `  ${kind}: ${count}`),
    "what the checker was given:",
    ...history.checked.map((operation) => `  ${describeOperation(operation)}`),
  ].join("\n");
}

function repeat(seed: number): string {
  return `seed ${seed} (QUORATE_SEED=${seed} runs it alone)`;
}
