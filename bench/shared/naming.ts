/** Does some work; what it rejects with says before anything else what failed. */
export async function naming<Result>(failure: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    throw new Error(`${failure}: ${textOf(cause)}`, { cause });
  }
}

/** What was thrown, in words. */
export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
