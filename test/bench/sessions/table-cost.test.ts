import { describe, expect, it } from "vitest";
import { measureTableCost } from "../../../bench/sessions/table-cost.js";
import { tableWithSessions } from "../../../bench/sessions/table-with-sessions.js";

describe("tableWithSessions", () => {
  it("has so many sessions, none of which has made room for another", () => {
    const { table, clients } = tableWithSessions(250);
    expect(table.size).toBe(250);
    expect(new Set(clients.map(({ client }) => client)).size).toBe(250);
    for (const { client, session } of clients) {
      expect(table.session(client)).toMatchObject({ session, created: session, highest: 0, kept: [] });
    }
  });
});

describe("measureTableCost", () => {
  it.each([{ sessions: 1 }, { sessions: 7 }, { sessions: 2_500 }])(
    "has requests of $sessions sessions accepted and applied",
    ({ sessions }) => {
      const cost = measureTableCost(sessions, 1, 1);
      expect(cost.sessions).toBe(sessions);
      expect(cost.requests).toBeGreaterThan(0);
      expect(cost.checkMicros).toBeGreaterThan(0);
      expect(cost.applyMicros).toBeGreaterThan(0);
    },
  );
});
