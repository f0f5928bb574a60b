import type { PeerCertificate } from "../../../internal/transport/peer-certificate.js";
import type { LoginPeer } from "../../../src/sessions/credentials/authenticate.js";
import type { LoginClock } from "../../../src/sessions/credentials/login-throttle.js";
import type { PasswordCost } from "../../../src/sessions/credentials/password-hash.js";

/** A hash of this cost is made at once. */
export const cheap: PasswordCost = { logN: 1, blockSize: 1, parallelism: 1 };

/** A peer that logs in: in plain text from this host, with a minute of time. */
export function peerOf(
  changes: {
    readonly remoteAddress?: string;
    readonly signal?: AbortSignal;
    readonly remainingMs?: number;
    readonly certificate?: PeerCertificate;
    readonly tls?: boolean;
    readonly name?: string;
  } = {},
): LoginPeer {
  const { remoteAddress = "127.0.0.1:5000", remainingMs = 60_000, certificate, name } = changes;
  const hasTls = changes.tls === true || certificate !== undefined;
  return {
    connection: { remoteAddress, tls: hasTls ? { certificate } : undefined, identity: { name } },
    signal: changes.signal ?? new AbortController().signal,
    remainingMs: () => remainingMs,
  };
}

/** A clock that stands still until it is told to go on. */
export class ManualClock implements LoginClock {
  #nowMs = 1_000;
  #due: { readonly atMs: number; readonly due: () => void }[] = [];

  readonly nowMs = (): number => this.#nowMs;

  readonly schedule = (atMs: number, due: () => void): (() => void) => {
    const entry = { atMs, due };
    this.#due.push(entry);
    return () => {
      this.#due = this.#due.filter((other) => other !== entry);
    };
  };

  /** How many wait for a time. */
  get waiting(): number {
    return this.#due.length;
  }

  advance(byMs: number): void {
    this.#nowMs += byMs;
    const due = this.#due.filter(({ atMs }) => atMs <= this.#nowMs);
    this.#due = this.#due.filter((entry) => !due.includes(entry));
    for (const entry of due) entry.due();
  }
}
