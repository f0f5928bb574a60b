import { pause } from "../linearizability/faults.js";

/**
 * Resolves once the condition holds; looks at it every ten milliseconds, and leaves the time between to others. Rejects
 * after `timeoutMs`.
 */
export async function until(condition: () => boolean, what: string, timeoutMs: number): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`${what} did not come within ${timeoutMs} ms`);
    await pause(10);
  }
}
