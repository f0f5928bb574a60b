import type { SessionLimits } from "../session-limits.js";
import type { TableSession } from "./table-session.js";
import { type Place, UseOrder } from "./use-order.js";

interface Held {
  readonly session: TableSession;
  readonly place: Place<TableSession>;
  /** Undefined for the user "", whose sessions are not counted. */
  readonly placeOfUser: Place<TableSession> | undefined;
}

/** All sessions, in the order of their last use: at once, and for each user. */
export class SessionStore implements Iterable<TableSession> {
  readonly #byClient = new Map<string, Held>();
  readonly #order = new UseOrder<TableSession>();
  readonly #ordersOfUsers = new Map<string, UseOrder<TableSession>>();

  get size(): number {
    return this.#byClient.size;
  }

  get(client: string): TableSession | undefined {
    return this.#byClient.get(client)?.session;
  }

  /** Adds the session of a client that has none, as the one used last. */
  add(session: TableSession): void {
    const placeOfUser = session.user === "" ? undefined : this.#orderOf(session.user).add(session);
    this.#byClient.set(session.client, { session, place: this.#order.add(session), placeOfUser });
  }

  /** The session was used, by the entry at `op`, at this age of the log. */
  use(session: TableSession, op: number, ageMs: number): void {
    session.lastUseOp = op;
    session.lastUseAgeMs = ageMs;
    const held = this.#byClient.get(session.client);
    if (held === undefined) return;
    this.#order.use(held.place);
    if (held.placeOfUser !== undefined) this.#orderOf(session.user).use(held.placeOfUser);
  }

  remove(session: TableSession): void {
    const held = this.#byClient.get(session.client);
    if (held === undefined) return;
    this.#byClient.delete(session.client);
    this.#order.remove(held.place);
    if (held.placeOfUser === undefined) return;
    const order = this.#orderOf(session.user);
    order.remove(held.placeOfUser);
    if (order.size === 0) this.#ordersOfUsers.delete(session.user);
  }

  /** Whose place a new session of this user takes: the oldest of its own, else of all; undefined within the limits. */
  surplus(user: string, limits: SessionLimits): TableSession | undefined {
    const own = user === "" ? undefined : this.#ordersOfUsers.get(user);
    if (own !== undefined && own.size > limits.maxSessionsPerUser) return own.oldest;
    return this.size > limits.maxSessions ? this.#order.oldest : undefined;
  }

  /** From the one used least recently on. A session may be removed while it is the one given. */
  [Symbol.iterator](): Generator<TableSession, void> {
    return this.#order[Symbol.iterator]();
  }

  #orderOf(user: string): UseOrder<TableSession> {
    let order = this.#ordersOfUsers.get(user);
    if (order === undefined) {
      order = new UseOrder();
      this.#ordersOfUsers.set(user, order);
    }
    return order;
  }
}
