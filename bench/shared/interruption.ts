const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Puts off what SIGINT, SIGTERM and SIGHUP do until everything is taken down. */
export interface Interruption {
  /** Ends with the first of them. */
  readonly signal: AbortSignal;
  /** To be called at the end: does what the signal would have done at once, if one has come. */
  end(): void;
}

/** Listens from now on. The second signal of a kind has its usual effect. */
export function listenForInterruption(): Interruption {
  const controller = new AbortController();
  let came: NodeJS.Signals | undefined;
  const told = (signal: NodeJS.Signals) => {
    came ??= signal;
    controller.abort(new Error(`interrupted by ${signal}`));
  };
  for (const signal of signals) process.once(signal, told);
  return {
    signal: controller.signal,
    end: () => {
      for (const signal of signals) process.removeListener(signal, told);
      if (came !== undefined) process.kill(process.pid, came);
    },
  };
}
