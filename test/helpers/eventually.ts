/** Resolves once the condition holds; looks at it at every turn of the event loop. Rejects after `timeoutMs`. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  what = "the condition",
  timeoutMs = 5_000,
): Promise<void> {
  const until = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > until) throw new Error(`${what} did not come to hold within ${timeoutMs} ms`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
