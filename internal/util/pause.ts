import { deadlineAfter, scheduleDeadline } from "./deadlines.js";
import { onAbort } from "./on-abort.js";

/** Resolves after so many milliseconds, or as soon as the signal ends. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const over = () => {
      cancel();
      stop();
      resolve();
    };
    const cancel = scheduleDeadline(deadlineAfter(ms), over);
    const stop = onAbort(signal, over);
  });
}
