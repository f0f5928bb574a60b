import type { Session } from "quorate/sessions";

/** What a session has gone through, as its events say. */
export class WatchedSession {
  #number = 0;
  #registrations = 0;
  #address = "";
  #failOvers = 0;

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

  /** The server that has the session now. */
  get address(): string {
    return this.#address;
  }

  /** Times that another server got it than the one before. */
  get failOvers(): number {
    return this.#failOvers;
  }

  async #watch(events: Session["events"]): Promise<void> {
    for await (const event of events) {
      if (event.kind === "bound" && event.node.address !== this.#address) {
        if (this.#address !== "") this.#failOvers++;
        this.#address = event.node.address;
      }
      // The same number again: the server only had to be told once more who this is.
      if (event.kind !== "bound" || event.session === this.#number) continue;
      this.#number = event.session;
      this.#registrations++;
    }
  }
}
