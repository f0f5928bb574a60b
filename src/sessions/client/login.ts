import { Code } from "../../../internal/errors/code.js";
import { abortError, invalidArgument, QuorateError } from "../../../internal/errors/quorate-error.js";
import { deadlineAfter, scheduleDeadline } from "../../../internal/util/deadlines.js";
import { onAbort } from "../../../internal/util/on-abort.js";
import { checkTransport, type SecretCarrier } from "../credentials/check-transport.js";
import { type Credentials, noCredentials } from "../credentials/credentials.js";
import type { CredentialSource } from "./session.js";

/** How a client logs in. */
export interface LoginOptions {
  readonly credentials?: CredentialSource | undefined;
  readonly allowInsecureCredentials?: boolean | undefined;
  /** How long `credentials` may take if it is a function, in milliseconds. */
  readonly tryTimeoutMs: number;
}

/** With what a client logs in, asked for anew at every login. */
export class Login {
  readonly #options: LoginOptions;

  /** @throws QuorateError InvalidArgument. */
  constructor(options: LoginOptions) {
    this.#options = options;
    const { credentials } = options;
    if (credentials !== undefined && typeof credentials !== "function") checkCredentials(credentials);
  }

  /** Whether nothing is secret about it. */
  get isOpen(): boolean {
    const { credentials = noCredentials } = this.#options;
    return typeof credentials !== "function" && credentials.kind === "none";
  }

  /**
   * The credentials for this stream, on which others cannot read them.
   *
   * @throws QuorateError FailedPrecondition, `INSECURE_CREDENTIALS`; InvalidArgument for what are no credentials; what a
   * function throws that gets them; DeadlineExceeded if it takes too long; the reason of the signal.
   */
  async credentialsFor(carrier: SecretCarrier, signal: AbortSignal): Promise<Credentials> {
    const { credentials: source = noCredentials, tryTimeoutMs, ...options } = this.#options;
    if (typeof source !== "function") {
      checkTransport(source, carrier, options);
      return source;
    }
    const credentials = await within(Promise.resolve().then(source), tryTimeoutMs, signal);
    checkCredentials(credentials);
    checkTransport(credentials, carrier, options);
    return credentials;
  }
}

function within<Value>(value: Promise<Value>, timeoutMs: number, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const stops: (() => void)[] = [];
    const end = (settle: () => void) => {
      for (const stop of stops) stop();
      settle();
    };
    const late = `quorate: there were no credentials within ${timeoutMs} ms`;
    stops.push(
      scheduleDeadline(deadlineAfter(timeoutMs), () =>
        end(() => reject(new QuorateError(Code.DeadlineExceeded, late))),
      ),
      onAbort(signal, (reason) => end(() => reject(abortError(reason)))),
    );
    value.then(
      (got) => end(() => resolve(got)),
      (error: unknown) => end(() => reject(QuorateError.from(error))),
    );
  });
}

// What was given is not repeated in the error: it may hold the secret in another shape.
function checkCredentials(credentials: Credentials): void {
  const { kind } = credentials ?? {};
  if (kind === "none" || kind === "password" || kind === "token") return;
  throw invalidArgument(
    "credentials are what passwordCredentials(), tokenCredentials() or noCredentials are, or a function",
  );
}
