/** The outcome of one step of the demo. */
export interface StepResult {
  readonly name: string;
  readonly ok: boolean;
  readonly ms: number;
  readonly detail: string;
}

/** Runs steps one after the other, tells of each, and stops at the first that fails. */
export class Steps {
  readonly results: StepResult[] = [];
  readonly #tell: (result: StepResult) => void;
  readonly #limitMs: number;

  /** @param limitMs how long one step may take */
  constructor(limitMs: number, tell: (result: StepResult) => void) {
    this.#limitMs = limitMs;
    this.#tell = tell;
  }

  /** Runs a step, which resolves with what there is to tell. Throws its error, after it was told. */
  async run(name: string, step: () => Promise<string>): Promise<void> {
    const start = performance.now();
    const finish = (ok: boolean, detail: string) => {
      const result = { name, ok, ms: Math.round(performance.now() - start), detail };
      this.results.push(result);
      this.#tell(result);
    };
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not done within ${this.#limitMs} ms`)), this.#limitMs);
    });
    try {
      finish(true, await Promise.race([step(), limit]));
    } catch (error) {
      finish(false, error instanceof Error ? error.message : String(error));
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Asks until the answer is right; the limit of the step ends it. */
export async function until<Answer>(
  ask: () => Promise<Answer>,
  isRight: (answer: Answer) => boolean,
): Promise<Answer> {
  for (;;) {
    const answer = await ask();
    if (isRight(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Throws unless the condition holds. */
export function expect(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise);
}
