import { textOf } from "../shared/naming.js";

/** Settles as the work does, or rejects with the reason of the signal; what becomes of the work then is not told. */
export function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const aborted = () => reject(new Error(textOf(signal.reason)));
    signal.addEventListener("abort", aborted, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", aborted));
    if (signal.aborted) aborted();
  });
}
