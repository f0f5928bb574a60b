import type { Session } from "quorate/sessions";

/** What a session has gone through, as its events say. */
export class WatchedSession {
  #number = 0;
  #registrations = 0;

  constructor({ events }: Pick<Session, "events">) {
    void this.#watch(events);
  }

  /** The number under which answers come now: the position of the last registration in the log. */
  get number(): number {
    return this.#number;
  }

  /** Numbers that the session has had. */
  get registrations(): number {
    return this.#registrations;
  }

  async #watch(events: Session["events"]): Promise<void> {
    for await (const event of events) {
      // The same number again: the server only had to be told once more who this is.
      if (event.kind !== "bound" || event.session === this.#number) continue;
      this.#number = event.session;
      this.#registrations++;
    }
  }
}
