/** Whether a signal has come. */
export interface EndOnSignal {
  readonly begun: boolean;
  /** Signals have their usual effect again. */
  stop(): void;
}

/**
 * When this process is told to end, by SIGINT, SIGTERM or SIGHUP, cleans up and then ends by that signal. A second one
 * ends it at once.
 */
export function endOnSignal(cleanUp: () => Promise<void>): EndOnSignal {
  let begun = false;
  const stop = () => {
    for (const signal of signals) process.removeListener(signal, end);
  };
  const end = (signal: NodeJS.Signals) => {
    begun = true;
    stop();
    const raise = () => process.kill(process.pid, signal);
    cleanUp().then(raise, raise);
  };
  for (const signal of signals) process.on(signal, end);
  return {
    get begun() {
      return begun;
    },
    stop,
  };
}

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
