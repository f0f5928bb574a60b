import type { BackoffOptions } from "../../../internal/stream/backoff.js";
import { checkTimeout } from "../../calls/call-options.js";
import { byLatency, type NodeOrder } from "../../configuration/node-order.js";
import { checkBackoff, checkFunctions, count, interval } from "../../server/peer-options.js";
import { Login } from "./login.js";
import type { OpenSessionOptions, SessionJournal } from "./session.js";

/** The options of a session with their defaults, checked. */
export interface SessionSettings {
  readonly login: Login;
  readonly prefer: NodeOrder;
  readonly journal: SessionJournal | undefined;
  readonly maxWaiting: number;
  readonly maxQueuedEvents: number;
  readonly backoff: BackoffOptions;
  readonly tryTimeoutMs: number;
  /** Of the opening. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Checks the options. Throws InvalidArgument that names the option. */
export function readSessionOptions(options: OpenSessionOptions): SessionSettings {
  const { credentials, allowInsecureCredentials, journal, prefer = byLatency, signal } = options;
  checkFunctions({ journal, prefer });
  const tryTimeoutMs = interval("tryTimeoutMs", options.tryTimeoutMs, 10_000);
  return {
    login: new Login({ credentials, allowInsecureCredentials, tryTimeoutMs }),
    prefer,
    journal,
    maxWaiting: count("maxWaiting", options.maxWaiting, 1_024),
    maxQueuedEvents: count("maxQueuedEvents", options.maxQueuedEvents, 64),
    backoff: checkBackoff(options.backoff ?? {}),
    tryTimeoutMs,
    timeoutMs: checkTimeout(options.timeoutMs ?? 30_000),
    signal,
  };
}
