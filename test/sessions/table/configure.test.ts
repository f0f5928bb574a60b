import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { proposedLimits } from "../../../src/sessions/session-limits.js";
import { ClientTable } from "../../../src/sessions/table/client-table.js";
import { id, TestTable } from "./test-table.js";

describe("applying a Configure", () => {
  it("changes the limits for all entries behind it", () => {
    const test = new TestTable({ maxInFlight: 1 });
    test.open(1);
    test.request(1, 1);
    expect(test.request(1, 2)).toMatchObject({ why: "window" });
    const limits = proposedLimits({ maxInFlight: 2 });
    expect(test.put({ kind: "configure", previousOp: 0, limits, format: 1 })).toEqual({
      kind: "configured",
      op: 19,
      limits,
      format: 1,
      ended: [],
    });
    expect(test.table).toMatchObject({ limits, configureOp: 19 });
    expect(test.request(1, 2)).toMatchObject({ kind: "applied" });
  });

  it("of two that were proposed at once, the first in the log counts", () => {
    const test = new TestTable();
    const first = proposedLimits({ maxInFlight: 2 });
    const second = proposedLimits({ maxInFlight: 3 });
    test.put({ kind: "configure", previousOp: 0, limits: first, format: 1 });
    const late = { kind: "configure", previousOp: 0, limits: second, format: 1 } as const;
    expect(test.put(late)).toMatchObject({ kind: "ignored", why: "stale" });
    expect(test.table.limits).toEqual(first);
    expect(test.put({ ...late, previousOp: test.table.configureOp })).toMatchObject({ kind: "configured" });
    expect(test.table.limits).toEqual(second);
  });

  it("ends the sessions above the new limits, in the order of their use: first those of users, then all", () => {
    const test = new TestTable({ maxSessions: 10, maxSessionsPerUser: 4 });
    test.open(1, { user: "bob" });
    for (const client of [2, 3, 4]) test.open(client, { user: "ann" });
    for (const client of [5, 6]) test.open(client, { user: "" });
    test.keepAlive(2);
    const limits = proposedLimits({ maxSessions: 4, maxSessionsPerUser: 1 });
    const effect = test.put({ kind: "configure", previousOp: 0, limits, format: 1 });
    const ended = "ended" in effect ? effect.ended : [];
    expect(ended.map(({ client, reason }) => [client, reason])).toEqual([
      [id(3), "capacity"],
      [id(4), "capacity"],
    ]);
    expect(test.clients()).toEqual([1, 5, 6, 2]);
    const smaller = proposedLimits({ maxSessions: 2, maxSessionsPerUser: 1 });
    const previousOp = test.table.configureOp;
    test.put({ kind: "configure", previousOp, limits: smaller, format: 1 });
    expect(test.clients()).toEqual([6, 2]);
  });

  it("keeps what was applied under a wider window", () => {
    const test = new TestTable({ maxInFlight: 4 });
    test.open(1);
    for (const request of [1, 2, 3, 4]) test.request(1, request);
    test.put({ kind: "configure", previousOp: 0, limits: proposedLimits({ maxInFlight: 1 }), format: 1 });
    expect(test.present(1).kept).toHaveLength(4);
    expect(test.request(1, 5, { respondedTo: 3 })).toMatchObject({ why: "window" });
    expect(test.request(1, 5, { respondedTo: 4 })).toMatchObject({ kind: "applied" });
    const { table } = ClientTable.restore(test.snapshot(), test.genesis);
    expect(table.snapshot([])).toEqual(test.snapshot());
  });

  it("a change of the tick counts from the next tick on", () => {
    const test = new TestTable({ tickMs: 10_000 });
    test.open(1);
    test.tick(2);
    const limits = proposedLimits({ tickMs: 1_000 });
    test.put({ kind: "configure", previousOp: 0, limits, format: 1 });
    test.tick();
    expect(test.table.ageMs).toBe(21_000);
  });

  it.each([0, 2])("to the format %i, which is not known here, stops the server", (format) => {
    const test = new TestTable();
    const configure = { kind: "configure", previousOp: 0, limits: test.genesis.limits, format } as const;
    const error = expect.objectContaining({ code: Code.Unimplemented, reason: "UNKNOWN_ENTRY" });
    expect(() => test.put(configure)).toThrow(error);
    expect(() => test.open(1)).toThrow(error);
  });
});

describe("a genesis", () => {
  it("of a format that is not known here is refused", () => {
    const { genesis } = new TestTable();
    expect(() => ClientTable.empty({ ...genesis, format: 2 })).toThrow(
      expect.objectContaining({ reason: "UNKNOWN_ENTRY" }),
    );
  });
});
