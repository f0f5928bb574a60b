import type { Configuration } from "../../configuration/configuration.js";
import type { RestoreSessionOptions, Session } from "./session.js";
import { decodeSession } from "./session-bytes.js";
import { readSessionOptions } from "./session-options.js";
import { SessionState } from "./session-state.js";
import { startSession } from "./start-session.js";

/**
 * Opens the session that `export()` or a journal has written, in this process or another one. Whoever else has it is
 * fenced; what was unanswered is sent again, and is there as {@link Session.recovered}. Metadata of calls is not.
 *
 * If it fails with NotFound, `NO_SESSION`, or FailedPrecondition, `SESSION_MISMATCH`, the session is lost, and what stood
 * in the bytes may have been applied, and may not. After any other failure it can be restored once more.
 *
 * @throws QuorateError as `openSession` does; InvalidArgument, `BAD_SESSION_BYTES`; ResourceExhausted,
 * `MESSAGE_TOO_LARGE` if a request in the bytes is above `maxMessageBytes` of this connection.
 */
export async function restoreSession(
  configuration: Configuration,
  bytes: Uint8Array,
  options: RestoreSessionOptions = {},
): Promise<Session> {
  const settings = readSessionOptions(options);
  const { takeOver = true } = options;
  const { client } = decodeSession(bytes);
  return startSession(configuration, client, SessionState.restore(bytes, { takeOver }), settings);
}
