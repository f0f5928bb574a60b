/** Numbers from 0 up to 1, the same for the same seed. */
export type Random = () => number;

/** A generator of 32 bits of state, by the name of mulberry32. For faults and loads; anybody can guess its numbers. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A whole number from `low` to `high`, both included. */
export function randomInteger(random: Random, low: number, high: number): number {
  return low + Math.floor(random() * (high - low + 1));
}

/** One of the values, of which there is at least one. */
export function pick<Value>(random: Random, values: readonly [Value, ...Value[]]): Value {
  return values[randomInteger(random, 0, values.length - 1)] ?? values[0];
}

/** The values in another order. */
export function shuffled<Value>(random: Random, values: readonly Value[]): Value[] {
  return values
    .map((value) => ({ value, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ value }) => value);
}
