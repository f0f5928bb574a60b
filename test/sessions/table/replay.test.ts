import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeLogRecord } from "../../../src/sessions/record/decode-log-record.js";
import { ClientTable } from "../../../src/sessions/table/client-table.js";
import type { Effect } from "../../../src/sessions/table/effect.js";
import type { MachineSnapshot } from "../../../src/sessions/table/machine-snapshot.js";
import type { RunReplicated } from "../../../src/sessions/table/run-replicated.js";
import { keptRequest } from "../../../src/sessions/table/table-session.js";
import { smallTable, steps } from "./arbitrary-log.js";
import type { TestTable } from "./test-table.js";

/** A state machine whose state and replies depend on every call that it was given, in order. */
class HashMachine {
  state: Uint8Array;

  constructor(state: Uint8Array = new Uint8Array(8)) {
    this.state = state;
  }

  readonly run: RunReplicated = ({ op, timestampMs, user, client, method, payload }) => {
    const call = JSON.stringify([op, timestampMs, user, client, method]);
    const hash = createHash("sha256").update(this.state).update(call).update(payload).digest();
    this.state = Uint8Array.from(hash.subarray(0, 8));
    return { kind: "payload", bytes: Uint8Array.from(hash.subarray(0, 1 + (op % 32))) };
  };

  snapshot(): MachineSnapshot[] {
    return [{ service: "hash.v1.Hash", version: 1, state: this.state }];
  }
}

interface Server {
  readonly table: ClientTable;
  readonly machine: HashMachine;
}

type Log = TestTable["log"];

function started({ genesis }: TestTable): Server {
  return { table: ClientTable.empty(genesis), machine: new HashMachine() };
}

function restored(bytes: Uint8Array, { genesis }: TestTable): Server {
  const { table, machines } = ClientTable.restore(bytes, genesis);
  return { table, machine: new HashMachine(machines[0]?.state) };
}

function applyAll({ table, machine }: Server, log: Log): Effect[] {
  return log.map(({ op, entry }) => table.apply(op, decodeLogRecord(entry), machine.run));
}

function bytesOf({ table, machine }: Server): Uint8Array {
  return table.snapshot(machine.snapshot());
}

/** Takes random steps, and returns the test with the log that they made. */
function madeOf(taken: readonly ((test: TestTable) => void)[]): TestTable {
  const test = smallTable();
  test.answer = new HashMachine().run;
  for (const step of taken) step(test);
  return test;
}

describe("a log of random operations", () => {
  it("from a snapshot and the tail makes the same bytes and effects as from the start, wherever it is cut", () => {
    fc.assert(
      fc.property(steps, fc.nat(), (taken, cutAt) => {
        const test = madeOf(taken);
        const cut = cutAt % (test.log.length + 1);
        const whole = started(test);
        const headEffects = applyAll(whole, test.log.slice(0, cut));
        const server = restored(bytesOf(whole), test);
        const tail = applyAll(whole, test.log.slice(cut));
        expect(headEffects).toHaveLength(cut);
        expect(applyAll(server, test.log.slice(cut))).toEqual(tail);
        expect(bytesOf(server)).toEqual(bytesOf(whole));
      }),
      { numRuns: 300 },
    );
  });

  it("fed in different batches makes the same bytes, whatever is asked of the tables in between", () => {
    fc.assert(
      fc.property(steps, fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 20 }), (taken, sizes) => {
        const test = madeOf(taken);
        const one = started(test);
        applyAll(one, test.log);
        let other = started(test);
        let at = 0;
        for (const size of [...sizes, test.log.length]) {
          applyAll(other, test.log.slice(at, at + size));
          at += size;
          [...other.table.idleSessions(), ...other.table.dueIntents(), ...other.table.sessions()].at(0);
          if (size % 3 === 0) other = restored(bytesOf(other), test);
        }
        expect(bytesOf(other)).toEqual(bytesOf(one));
        expect(other.table.hash(other.machine.snapshot())).toBe(one.table.hash(one.machine.snapshot()));
      }),
      { numRuns: 200 },
    );
  });

  it("runs no request of a session twice, and keeps exactly what is not consumed", () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(steps, (taken) => {
        const test = madeOf(taken);
        const server = started(test);
        const applied = new Set<string>();
        for (const { op, entry } of test.log) {
          const effect = server.table.apply(op, decodeLogRecord(entry), server.machine.run);
          seen.add(effect.kind === "ignored" ? effect.why : effect.kind);
          const name = requestName(effect, server.table);
          expect(applied.has(name), name).toBe(false);
          if (name !== "none") applied.add(name);
          checkInvariants(server.table, applied);
        }
      }),
      { numRuns: 300 },
    );
    // Else the operations are not as random as they should be.
    const all = "registered resumed alreadyRegistered registerRefused unregistered expired keptAlive applied";
    const more = "intentOpened intentClosed called serverUp ticked configured check";
    const ignored = "session duplicate gap window intentClosed notDue notIdle stale";
    expect([...seen].sort()).toEqual([...new Set(`${all} ${more} ${ignored}`.split(" "))].sort());
  });
});

/** Which request of which session the effect is that of, or "none". */
function requestName(effect: Effect, table: ClientTable): string {
  const what =
    effect.kind === "intentOpened" ? effect.intent : effect.kind === "applied" ? effect : undefined;
  if (what === undefined) return "none";
  return `${what.client} ${table.session(what.client)?.created} ${what.request}`;
}

function checkInvariants(table: ClientTable, applied: ReadonlySet<string>): void {
  const { maxSessions, maxSessionsPerUser, maxInFlight } = table.limits;
  const sessions = [...table.sessions()];
  expect(sessions.length).toBeLessThanOrEqual(maxSessions);
  for (const user of ["ann", "bob"]) {
    const own = sessions.filter((session) => session.user === user);
    expect(own.length).toBeLessThanOrEqual(maxSessionsPerUser);
  }
  const uses = sessions.map(({ lastUseOp }) => lastUseOp);
  expect(uses).toEqual([...uses].sort((a, b) => a - b));
  for (const session of sessions) {
    const { client, created, highest, respondedTo, kept } = session;
    expect(kept).toHaveLength(highest - respondedTo);
    expect(kept.length).toBeLessThanOrEqual(maxInFlight);
    for (let request = 1; request <= highest; request++) {
      expect(applied.has(`${client} ${created} ${request}`)).toBe(true);
    }
  }
  for (const { op, client, request } of table.intents()) {
    const session = sessions.find((one) => one.client === client);
    expect(session?.highest).toBeGreaterThanOrEqual(request);
    if (session === undefined || request <= session.respondedTo) continue;
    expect(keptRequest(session, request)).toMatchObject({ op, reply: undefined });
  }
}
