/** Resolves at the next turn of the event loop: all that the code does by itself until then has happened. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
