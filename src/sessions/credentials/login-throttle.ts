import { abortError } from "../../../internal/errors/quorate-error.js";
import { monotonicMs, scheduleDeadline } from "../../../internal/util/deadlines.js";
import { onAbort } from "../../../internal/util/on-abort.js";
import { count } from "../../server/peer-options.js";
import type { LoginPeer } from "./authenticate.js";
import { FailureTable } from "./failure-table.js";
import { tooManyLogins } from "./login-errors.js";
import { hostKey } from "./peer-address.js";

/** The options of a {@link LoginThrottle}. */
export interface LoginThrottleOptions {
  /** Failed logins of a user without consequence; default 3. */
  readonly freeUserFailures?: number;
  /** Failed logins from an address without consequence; default 20. */
  readonly freeAddressFailures?: number;
  /** The first wait; default 250. It doubles with each failure. */
  readonly firstDelayMs?: number;
  /** The longest wait because of a user's failures; default 5,000. Others can cause it, so it must be bearable. */
  readonly maxUserDelayMs?: number;
  /** The longest wait because of an address's failures; default 60,000. */
  readonly maxAddressDelayMs?: number;
  /** How long after the last failure they are forgotten; default 900,000 (15 min). */
  readonly forgetAfterMs?: number;
  /** Users, and addresses, and pairs of both, that are remembered; default 16,384 of each. */
  readonly maxTracked?: number;
  /** Logins that wait at a time; default 1,024. More are refused. */
  readonly maxWaiting?: number;
  /** Of these, from one address; default 16. */
  readonly maxWaitingPerAddress?: number;
  /** For tests. */
  readonly clock?: LoginClock;
}

/** A monotonic clock, in milliseconds. */
export interface LoginClock {
  readonly nowMs: () => number;
  /** Calls `due` once, at this time; returns what withdraws it. */
  readonly schedule: (atMs: number, due: () => void) => () => void;
}

/** A login that may be checked now. One of its methods must be called; later calls do nothing. */
export interface LoginAttempt {
  /** The user has logged in from there before, so that the login goes before those of strangers. */
  readonly isKnown: boolean;
  succeeded(): void;
  failed(): void;
  /** It was not checked, or nothing came of it. */
  abandoned(): void;
}

/**
 * Makes whoever fails to log in wait before the next attempt: longer with every failure of the user, or of the host it
 * comes from. Attempts under way count as failed until they are known not to be.
 *
 * The wait is counted from the last attempt before, and those that follow do not lengthen it: however many hosts attack
 * a user, the user waits `maxUserDelayMs` at most. From a host where the user has logged in before, only
 * failures of that user there count. A success forgets the failures of the user, not those of the host: else an attacker
 * with one account could guess at others for ever.
 */
export class LoginThrottle {
  readonly #users: FailureTable;
  readonly #addresses: FailureTable;
  readonly #pairs: FailureTable;
  /** Pairs of a user and a host that have logged in; in the order of the last time. */
  readonly #known = new Set<string>();
  readonly #waitingAt = new Map<string, number>();
  readonly #maxTracked: number;
  readonly #maxWaiting: number;
  readonly #maxWaitingPerAddress: number;
  readonly #clock: LoginClock;
  #waiting = 0;

  /** @throws QuorateError InvalidArgument that names the option. */
  constructor(options: LoginThrottleOptions = {}) {
    const limit = (name: Exclude<keyof LoginThrottleOptions, "clock">, byDefault: number) =>
      count(name, options[name], byDefault);
    const firstDelayMs = limit("firstDelayMs", 250);
    const forgetAfterMs = limit("forgetAfterMs", 900_000);
    const maxTracked = limit("maxTracked", 16_384);
    const ofUser = {
      free: limit("freeUserFailures", 3),
      maxDelayMs: limit("maxUserDelayMs", 5_000),
    };
    const ofHost = {
      free: limit("freeAddressFailures", 20),
      maxDelayMs: limit("maxAddressDelayMs", 60_000),
    };
    const rule = { firstDelayMs, forgetAfterMs, maxTracked, trusts: false };
    this.#users = new FailureTable({ ...rule, ...ofUser });
    this.#addresses = new FailureTable({ ...rule, ...ofHost });
    this.#pairs = new FailureTable({ ...rule, ...ofHost, free: ofUser.free, trusts: true });
    this.#maxTracked = maxTracked;
    this.#maxWaiting = limit("maxWaiting", 1_024);
    this.#maxWaitingPerAddress = limit("maxWaitingPerAddress", 16);
    this.#clock = options.clock ?? { nowMs: monotonicMs, schedule: scheduleDeadline };
  }

  /** What is remembered, for tests and tools. */
  get counts(): {
    readonly users: number;
    readonly addresses: number;
    readonly known: number;
    readonly waiting: number;
    readonly waitingAddresses: number;
  } {
    return {
      users: this.#users.size,
      addresses: this.#addresses.size,
      known: this.#known.size,
      waiting: this.#waiting,
      waitingAddresses: this.#waitingAt.size,
    };
  }

  /**
   * Resolves when a login may be checked.
   *
   * @param user the name that it is for; undefined where the credentials are not of a user, such as a token.
   * @throws QuorateError ResourceExhausted, `TOO_MANY_LOGINS`, at once, if it would have to wait beyond its deadline or
   * too many wait; what its signal says.
   */
  async begin(
    user: string | undefined,
    { connection, signal, remainingMs }: LoginPeer,
  ): Promise<LoginAttempt> {
    if (signal.aborted) throw abortError(signal.reason);
    const host = hostKey(connection.remoteAddress);
    const pair = JSON.stringify([user, host]);
    const isKnown = user !== undefined && this.#known.has(pair);
    const nowMs = this.#clock.nowMs();
    const tables = this.#tablesOf(user, host, isKnown ? pair : undefined);
    const waitMs = Math.max(...tables.map(([table, key]) => table.waitMs(key, nowMs)));
    if (waitMs > 0) this.#checkWait(waitMs, remainingMs(), host);
    for (const [table, key] of tables) table.begin(key, nowMs);
    const end = (failed: boolean) => {
      for (const [table, key] of tables.splice(0)) table.end(key, failed, this.#clock.nowMs());
    };
    try {
      if (waitMs > 0) await this.#wait(nowMs + waitMs, host, signal);
    } catch (error) {
      end(false);
      throw error;
    }
    return {
      isKnown,
      failed: () => end(true),
      abandoned: () => end(false),
      succeeded: () => {
        if (user !== undefined) {
          this.#users.reset(user);
          this.#pairs.reset(pair);
          this.#remember(pair);
        }
        end(false);
      },
    };
  }

  #tablesOf(user: string | undefined, host: string, knownPair: string | undefined): [FailureTable, string][] {
    if (knownPair !== undefined) return [[this.#pairs, knownPair]];
    const ofHost: [FailureTable, string] = [this.#addresses, host];
    return user === undefined ? [ofHost] : [[this.#users, user], ofHost];
  }

  #checkWait(waitMs: number, remainingMs: number, host: string): void {
    if (waitMs >= remainingMs) {
      throw tooManyLogins(`too many logins have failed; try again in ${Math.ceil(waitMs / 1_000)} s`);
    }
    const here = this.#waitingAt.get(host) ?? 0;
    if (this.#waiting >= this.#maxWaiting || here >= this.#maxWaitingPerAddress) {
      throw tooManyLogins("too many logins wait already because others have failed");
    }
  }

  async #wait(untilMs: number, host: string, signal: AbortSignal): Promise<void> {
    this.#waiting += 1;
    this.#waitingAt.set(host, (this.#waitingAt.get(host) ?? 0) + 1);
    try {
      await new Promise<void>((resolve, reject) => {
        const unlisten = onAbort(signal, (reason) => {
          withdraw();
          reject(abortError(reason));
        });
        const withdraw = this.#clock.schedule(untilMs, () => {
          unlisten();
          resolve();
        });
      });
    } finally {
      this.#waiting -= 1;
      const here = (this.#waitingAt.get(host) ?? 0) - 1;
      if (here > 0) this.#waitingAt.set(host, here);
      else this.#waitingAt.delete(host);
    }
  }

  #remember(pair: string): void {
    this.#known.delete(pair);
    this.#known.add(pair);
    if (this.#known.size <= this.#maxTracked) return;
    const [oldest = pair] = this.#known;
    this.#known.delete(oldest);
  }
}
