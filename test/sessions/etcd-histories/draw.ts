import type { Random } from "../../helpers/seeded-random.js";

/** An integer from `low` to `high`, both included. */
export function drawInteger(random: Random, low: number, high: number): number {
  return low + Math.floor(random() * (high - low + 1));
}

/** One of the items; each is as likely as it is often in there. */
export function drawOne<Item>(random: Random, items: readonly [Item, ...(readonly Item[])]): Item {
  return items[drawInteger(random, 0, items.length - 1)] ?? items[0];
}

/** The items in any order. */
export function drawOrder<Item>(random: Random, items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
