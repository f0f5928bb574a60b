import { Code } from "../../../internal/errors/code.js";
import type { QuorateError } from "../../../internal/errors/quorate-error.js";
import { Backoff, type BackoffOptions } from "../../../internal/stream/backoff.js";
import type { RequestStamp } from "../stamp.js";
import { askServer } from "./ask-server.js";
import type { DialledStream } from "./dialled-streams.js";
import type { Login } from "./login.js";
import type { ServerChoice } from "./server-choice.js";
import { encodeLogin, encodeUnregister, sessionServiceNames } from "./session-messages.js";
import { type ServerAttempt, tryServers } from "./try-servers.js";

/** What a session is unregistered with. */
export interface UnregisterInit {
  readonly session: Pick<RequestStamp, "client" | "session">;
  readonly servers: ServerChoice;
  readonly first: DialledStream | undefined;
  readonly login: Login;
  readonly backoff: BackoffOptions;
  readonly tryTimeoutMs: number;
  readonly signal: AbortSignal;
  /** Told of each failure, behind which another try comes. */
  readonly failed: (error: QuorateError) => void;
}

/**
 * Unregisters a session at whichever server does it. That there is none any more is as good.
 *
 * Rejects with what no other try mends, and with the reason of the signal.
 */
export async function unregisterSession(init: UnregisterInit): Promise<void> {
  const { session, servers, first, login, backoff, tryTimeoutMs: timeoutMs, signal } = init;
  const method = sessionServiceNames.unregister;
  const payload = encodeUnregister(session);
  const ask = async (stream: DialledStream, mayLogIn: boolean): Promise<ServerAttempt<true>> => {
    const answer = await askServer(stream, { method, payload, timeoutMs });
    if (answer.kind === "none") return { kind: "failed", error: answer.error };
    const { error } = answer.reply;
    if (error === undefined || error.reason === "NO_SESSION") return { kind: "done", result: true };
    if (error.reason !== "NOT_AUTHENTICATED" || !mayLogIn) return failedOrOver(error);
    const refused = await logIn(login, stream, timeoutMs, signal);
    return refused ?? ask(stream, false);
  };
  await tryServers({
    servers,
    first,
    signal,
    failed: init.failed,
    backoff: new Backoff(backoff),
    attempt: (stream) => ask(stream, true),
  });
}

/**
 * Logs in on a stream; undefined once that is done.
 *
 * @throws QuorateError what no other try mends.
 */
export async function logIn(
  login: Login,
  stream: DialledStream,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Extract<ServerAttempt<never>, { kind: "failed" }> | undefined> {
  const payload = encodeLogin(await login.credentialsFor(stream.connection, signal));
  const answer = await askServer(stream, { method: sessionServiceNames.login, payload, timeoutMs });
  if (answer.kind === "none") return { kind: "failed", error: answer.error };
  const { error } = answer.reply;
  return error && failedOrOver(error);
}

function failedOrOver(error: QuorateError): { readonly kind: "failed"; readonly error: QuorateError } {
  if (transientCodes.has(error.code)) return { kind: "failed", error };
  throw error;
}

const transientCodes: ReadonlySet<Code> = new Set([
  Code.Unavailable,
  Code.ResourceExhausted,
  Code.DeadlineExceeded,
  Code.Aborted,
  Code.Canceled,
]);
