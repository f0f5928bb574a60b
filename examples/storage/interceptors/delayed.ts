import { setTimeout as wait } from "node:timers/promises";
import type { ServerInterceptor } from "quorate";

/** Lets each request wait before it runs, or until nobody waits for it any longer. */
export function delayed(delayMs: number): ServerInterceptor {
  return async (call, next) => {
    await wait(delayMs, undefined, { signal: call.context.signal });
    return next(call);
  };
}
