import type { FetchOptions } from "./fetch-options.js";

/**
 * Works on all items, on `size` of them at the same time. When one fails, the signal of the others ends, and once they are
 * over it throws what that one threw.
 */
export async function inWindow<Item>(
  items: readonly Item[],
  size: number,
  work: (item: Item, options: FetchOptions) => Promise<void>,
  { signal }: FetchOptions = {},
): Promise<void> {
  const failure = new AbortController();
  const ended = signal === undefined ? failure.signal : AbortSignal.any([signal, failure.signal]);
  const rest = items.values();
  const takeItems = async () => {
    for (const item of rest) await work(item, { signal: ended });
  };
  const running = Array.from({ length: size }, takeItems);
  try {
    await Promise.all(running);
  } catch (error) {
    failure.abort();
    await Promise.allSettled(running);
    throw error;
  }
}
