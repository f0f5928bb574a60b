import type { ListeningMessage } from "./server-process.js";

/** Tells the process that started this one where the server listens, and resolves when it is to end. */
export async function serveUntilTold(address: string, signal?: AbortSignal): Promise<void> {
  console.error(`benchmark server listens on ${address}`);
  const message: ListeningMessage = { address };
  // The process that started it may be gone; then there is nobody left to tell that.
  process.send?.(message, undefined, undefined, () => {});
  await untilTold(signal);
  if (process.connected) process.disconnect();
}

/**
 * Resolves with SIGINT, SIGTERM, the end of the process that started this one, or of the signal, whichever is first; a
 * second SIGINT or SIGTERM has its usual effect and ends the process at once.
 */
function untilTold(signal?: AbortSignal): Promise<void> {
  const events = ["SIGINT", "SIGTERM", "disconnect"] as const;
  return new Promise((resolve) => {
    const told = () => {
      for (const event of events) process.removeListener(event, told);
      signal?.removeEventListener("abort", told);
      resolve();
    };
    for (const event of events) process.once(event, told);
    signal?.addEventListener("abort", told);
    // Who has a channel and is not connected has lost the other end before it came here.
    if (signal?.aborted || (process.send !== undefined && !process.connected)) told();
  });
}
