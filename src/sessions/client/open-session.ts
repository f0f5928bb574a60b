import type { Configuration } from "../../configuration/configuration.js";
import { newNonce } from "./register-session.js";
import type { OpenSessionOptions, Session } from "./session.js";
import { readSessionOptions } from "./session-options.js";
import { SessionState } from "./session-state.js";
import { startSession } from "./start-session.js";

/**
 * Opens a session at a server of the configuration: the preferred one that is connected. Tries others, and again, while
 * that fails for reasons that may pass. If it fails after a server has registered it, unseen, the session ends there when
 * it was idle for too long.
 *
 * @throws QuorateError InvalidArgument for options that are wrong; FailedPrecondition: `NO_BACK_CHANNEL` if the
 * connection has no `sessionClient()` among its extensions, `EMPTY_CONFIGURATION`, `INSECURE_CREDENTIALS`;
 * DeadlineExceeded, with the last failure as its cause; the reason of the signal; what a server refused for good.
 */
export async function openSession(
  configuration: Configuration,
  options: OpenSessionOptions = {},
): Promise<Session> {
  const client = newNonce();
  return startSession(configuration, client, new SessionState(client), readSessionOptions(options));
}
