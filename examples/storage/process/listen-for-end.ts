import { once } from "node:events";

/** Whether this process was told to end. */
export interface EndListener extends Disposable {
  /** Ends when the process is told to end. */
  readonly signal: AbortSignal;
}

/**
 * Listens for what tells a process to end: SIGINT, SIGTERM, or the end of the process that started it and has an IPC
 * channel to it. What comes after the first has its usual effect, so a second SIGINT ends the process at once.
 */
export function listenForEnd(): EndListener {
  const ended = new AbortController();
  const stop = () => {
    for (const event of events) process.removeListener(event, end);
  };
  const end = () => {
    stop();
    ended.abort();
  };
  for (const event of events) process.once(event, end);
  // Who has a channel and is not connected has lost the other end before it came here.
  if (process.send !== undefined && !process.connected) end();
  return { signal: ended.signal, [Symbol.dispose]: stop };
}

/** Resolves when the signal is aborted. */
export async function untilAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}

const events = ["SIGINT", "SIGTERM", "disconnect"] as const;
