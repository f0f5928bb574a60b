import { describe, expect, it } from "vitest";
import { WatchedSession } from "../../../examples/bank/client/watched-session.js";
import { turn } from "../../helpers/turn.js";

type Events = ConstructorParameters<typeof WatchedSession>[0]["events"];
type SessionEvent = Events extends AsyncIterable<infer Event> ? Event : never;

async function* eventsOf(events: readonly SessionEvent[]): AsyncGenerator<SessionEvent> {
  yield* events;
}

const bound = (session: number, address = "a:1"): SessionEvent => ({
  kind: "bound",
  node: { address } as never,
  session,
});
const failingOver: SessionEvent = { kind: "failingOver", error: {} as never };

describe("WatchedSession", () => {
  it("knows the number that the session has, and how many it has had", async () => {
    const events = [bound(3), failingOver, bound(9), bound(9), bound(12)];
    const watched = new WatchedSession({ events: eventsOf(events) });
    expect(watched.number).toBe(0);
    await turn();
    expect([watched.number, watched.registrations]).toEqual([12, 3]);
  });

  it("knows the server, and counts when it is another one than before", async () => {
    const events = [bound(3), failingOver, bound(9, "b:1"), failingOver, bound(11, "b:1"), bound(12)];
    const watched = new WatchedSession({ events: eventsOf(events) });
    expect(watched.address).toBe("");
    await turn();
    expect([watched.address, watched.failOvers]).toEqual(["a:1", 2]);
  });
});
