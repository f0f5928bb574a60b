/** What is known of a number of samples without keeping them. */
export interface Statistics {
  readonly count: number;
  /** Their mean; 0 if there is none. */
  readonly mean: number;
  /** The sum of the squared distances from the mean. */
  readonly squares: number;
}

/** The statistics of no sample. */
export const noSamples: Statistics = { count: 0, mean: 0, squares: 0 };

/**
 * Mean and variance of samples as they come, in one pass (Welford, "Note on a Method for Calculating Corrected Sums
 * of Squares and Products", 1962).
 */
export class RunningStatistics implements Statistics {
  #count = 0;
  #mean = 0;
  #squares = 0;

  get count(): number {
    return this.#count;
  }

  get mean(): number {
    return this.#mean;
  }

  get squares(): number {
    return this.#squares;
  }

  add(sample: number): void {
    this.#count += 1;
    const distance = sample - this.#mean;
    this.#mean += distance / this.#count;
    this.#squares += distance * (sample - this.#mean);
  }
}

/**
 * The statistics of all samples together, made from those of their parts (Chan, Golub, LeVeque, "Updating Formulae
 * and a Pairwise Algorithm for Computing Sample Variances", 1979). Differences between the parts count.
 */
export function pool(parts: Iterable<Statistics>): Statistics {
  let all = noSamples;
  for (const part of parts) {
    const count = all.count + part.count;
    if (count === 0) continue;
    const distance = part.mean - all.mean;
    all = {
      count,
      mean: all.mean + (distance * part.count) / count,
      squares: all.squares + part.squares + (distance * distance * all.count * part.count) / count,
    };
  }
  return all;
}

/** The standard deviation of a sample, with n − 1; undefined for fewer than two. */
export function standardDeviation({ count, squares }: Statistics): number | undefined {
  return count < 2 ? undefined : Math.sqrt(Math.max(squares, 0) / (count - 1));
}
