import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import { deadlineAfter, scheduleDeadline } from "../../../internal/util/deadlines.js";
import {
  checkSizes,
  proposedLimits,
  type SessionLimitOptions,
  type SessionLimits,
  type SizeBounds,
} from "../session-limits.js";
import { unavailable } from "./request-errors.js";
import type { SessionLog } from "./session-log.js";

/**
 * Commits other limits; those that are left out stay. Resolves with those that hold then.
 *
 * @throws QuorateError InvalidArgument for limits that contradict each other or do not fit; Unavailable; Aborted,
 * `CONFIGURE_LOST`.
 */
export async function configureLimits(
  log: SessionLog,
  limits: SessionLimitOptions,
  { maxWaitMs, ...bounds }: SizeBounds & { readonly maxWaitMs: number },
): Promise<SessionLimits> {
  const { configureOp, format, limits: present } = log.table;
  const next = proposedLimits({ ...present, ...withoutUndefined(limits) });
  checkSizes(next, bounds);
  return new Promise((resolve, reject) => {
    const cancel = scheduleDeadline(deadlineAfter(maxWaitMs), () => reject(notConfiguredYet()));
    const entry = { kind: "configure", previousOp: configureOp, limits: next, format } as const;
    log.propose(entry, {
      applied: (effect) => {
        cancel();
        if (effect.kind === "configured") resolve(effect.limits);
        else reject(configureLost());
      },
      failed: (error) => {
        cancel();
        reject(unavailable(error));
      },
    });
  });
}

function withoutUndefined(limits: SessionLimitOptions): SessionLimitOptions {
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
}

function notConfiguredYet(): QuorateError {
  const message = "quorate: the limits were not committed in time; they may be later: look at them";
  return new QuorateError(Code.Unavailable, message, { reason: "LOG_UNAVAILABLE" });
}

function configureLost(): QuorateError {
  const message =
    "quorate: the limits were changed by another server at the same time; look at them, and try again";
  return new QuorateError(Code.Aborted, message, { reason: "CONFIGURE_LOST" });
}
