import { describe, expect, it } from "vitest";
import { WatchedSession } from "../../../examples/bank/client/watched-session.js";
import { turn } from "../../helpers/turn.js";

type Events = ConstructorParameters<typeof WatchedSession>[0]["events"];
type SessionEvent = Events extends AsyncIterable<infer Event> ? Event : never;

async function* eventsOf(events: readonly SessionEvent[]): AsyncGenerator<SessionEvent> {
  yield* events;
}

const bound = (session: number): SessionEvent => ({ kind: "bound", node: {} as never, session });

describe("WatchedSession", () => {
  it("knows the number that the session has, and how many it has had", async () => {
    const error = {} as never;
    const events = [bound(3), { kind: "failingOver", error } as const, bound(9), bound(9), bound(12)];
    const watched = new WatchedSession({ events: eventsOf(events) });
    expect(watched.number).toBe(0);
    await turn();
    expect([watched.number, watched.registrations]).toEqual([12, 3]);
  });
});
