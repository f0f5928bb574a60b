import { randomBytes } from "node:crypto";
import { abortError, QuorateError } from "../../../internal/errors/quorate-error.js";
import { Backoff, type BackoffOptions } from "../../../internal/stream/backoff.js";
import type { PeerNode } from "../../configuration/peer-node.js";
import { idBytes } from "../client-id.js";
import { toHex } from "../hex.js";
import { askServer } from "./ask-server.js";
import { badAnswer } from "./client-errors.js";
import type { DialledStream } from "./dialled-streams.js";
import type { Registration } from "./held-session.js";
import type { Login } from "./login.js";
import type { RegisterAnswer } from "./register-answer.js";
import type { ServerChoice } from "./server-choice.js";
import { decodeRegisterAnswer, encodeLoginRegister, sessionServiceNames } from "./session-messages.js";
import type { SessionState } from "./session-state.js";
import { type ServerAttempt, tryServers } from "./try-servers.js";

/** What registrations of a session are made with. */
export interface RegistrarInit {
  readonly state: SessionState;
  readonly servers: ServerChoice;
  readonly login: Login;
  readonly backoff: BackoffOptions;
  readonly tryTimeoutMs: number;
  /** Ends with the session. */
  readonly signal: AbortSignal;
  /** The session is active, on this stream; called before anything else can come on it. */
  readonly registered: (stream: DialledStream) => void;
  /** A try failed, and another one follows. */
  readonly failed: (error: QuorateError) => void;
}

/** Which server is asked first, and which one last. */
export interface ServerPreference {
  readonly first?: DialledStream | undefined;
  readonly last?: PeerNode | undefined;
}

/** Registers a session: the same registration at one server after another, until one of them has answered it. */
export class Registrar {
  readonly #init: RegistrarInit;

  constructor(init: RegistrarInit) {
    this.#init = init;
  }

  /** Resolves once the session is active. Rejects with the error with which it is to end. */
  async run(registration: Registration, preference: ServerPreference): Promise<void> {
    const { servers, backoff, signal, failed } = this.#init;
    let current = registration;
    await tryServers<true>({
      ...preference,
      servers,
      signal,
      failed,
      backoff: new Backoff(backoff),
      attempt: async (stream) => {
        const [attempt, next] = await this.#attempt(current, stream);
        current = next;
        return attempt;
      },
    });
  }

  /** Asks one server, and the registration that goes on: another one after a take-over. */
  async #attempt(
    registration: Registration,
    stream: DialledStream,
  ): Promise<[ServerAttempt<true>, Registration]> {
    const answer = await this.#ask(registration, stream);
    const { signal, state, registered } = this.#init;
    if (signal.aborted) throw abortError(signal.reason);
    if (answer.kind === "none") return [{ kind: "failed", error: answer.error }, registration];
    if (answer.kind === "answer") {
      const outcome = state.registered(registration, answer.answer);
      if (outcome.kind === "end") throw outcome.error;
      if (outcome.kind === "stale") throw badAnswer("a registration was answered that is over");
      registered(stream);
      return [{ kind: "done", result: true }, registration];
    }
    const { error } = answer;
    const action = state.registerFailed(registration, error);
    switch (action.kind) {
      case "retry":
      case "stale":
        return [{ kind: "failed", error }, registration];
      case "takeOver":
        return this.#attempt(state.takeOver(newNonce(), action.present), stream);
      default:
        throw action.error;
    }
  }

  async #ask(registration: Registration, stream: DialledStream): Promise<RegisterResult> {
    const { login, signal, tryTimeoutMs: timeoutMs } = this.#init;
    let payload: Uint8Array;
    try {
      payload = encodeLoginRegister(await login.credentialsFor(stream.connection, signal), registration);
    } catch (error) {
      return { kind: "error", error: QuorateError.from(error) };
    }
    const method = sessionServiceNames.loginRegister;
    const answer = await askServer(stream, { method, payload, timeoutMs });
    if (answer.kind === "none") {
      if (answer.error.reason === "MESSAGE_TOO_LARGE") throw answer.error;
      return answer;
    }
    const { error } = answer.reply;
    if (error !== undefined) return { kind: "error", error };
    return { kind: "answer", answer: decodeRegisterAnswer(answer.reply.payload) };
  }
}

/** A nonce of one registration, or a client id. */
export function newNonce(): string {
  return toHex(randomBytes(idBytes));
}

type RegisterResult =
  | { readonly kind: "answer"; readonly answer: RegisterAnswer }
  /** A server, or what was to be sent, is against it. */
  | { readonly kind: "error"; readonly error: QuorateError }
  | { readonly kind: "none"; readonly error: QuorateError };
