/** Several measurements of one thing. */
export interface Spread {
  /** Of an even number of them, the mean of the two in the middle. */
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** The spread of at least one value. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const [least, most] = [sorted[0], sorted.at(-1)];
  const below = sorted[Math.floor((sorted.length - 1) / 2)];
  const above = sorted[Math.floor(sorted.length / 2)];
  if (least === undefined || most === undefined || below === undefined || above === undefined) {
    throw new Error("there is no median of nothing");
  }
  return { median: (below + above) / 2, least, most };
}
