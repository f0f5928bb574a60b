import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { decodeLogRecord } from "../../../src/sessions/record/decode-log-record.js";
import { type StateHash, StateHashes } from "../../../src/sessions/server/state-hashes.js";
import { ClientTable } from "../../../src/sessions/table/client-table.js";
import { TestTable, text } from "../table/test-table.js";

/** Applies the log of a test from the start; the state machine is what its calls were given. */
function follow({ genesis, log }: TestTable, hashes: StateHashes, diverges = false): StateHash[] {
  const table = ClientTable.empty(genesis);
  let state = "";
  const noted: StateHash[] = [];
  for (const { op, entry } of log) {
    const effect = table.apply(op, decodeLogRecord(entry), ({ payload }) => {
      state += diverges ? "?" : new TextDecoder().decode(payload);
      return { kind: "payload", bytes: text("ok") };
    });
    if (effect.kind === "check") continue;
    const hash = hashes.note(table, () => [{ service: "s", version: 1, state: text(state) }]);
    if (hash !== undefined) noted.push(hash);
  }
  return noted;
}

function logOf(requests: number): TestTable {
  const test = new TestTable();
  test.open(1);
  for (let request = 1; request <= requests; request++) {
    test.request(1, request, { respondedTo: request - 1 });
    test.put({ kind: "check", op: 1, hash: "00" });
  }
  return test;
}

describe("StateHashes", () => {
  it("are off by default", () => {
    expect(follow(logOf(5), new StateHashes())).toEqual([]);
  });

  it("come every so many entries, in which Checks do not count: else a Check would lead to the next one", () => {
    // Ops are 3 apart: register at 10, requests at 13, 19, 25, ..., a Check behind each of them.
    const noted = follow(logOf(7), new StateHashes({ every: 4 }));
    expect(noted.map(({ op }) => op)).toEqual([25, 49]);
  });

  it("are the same where the state is, and a Check of them says nothing", () => {
    const test = logOf(7);
    const hashes = new StateHashes({ every: 2 });
    const noted = follow(test, hashes);
    expect(follow(test, new StateHashes({ every: 2 }))).toEqual(noted);
    for (const hash of noted) hashes.verify(hash);
    expect(new Set(noted.map(({ hash }) => hash)).size).toBe(noted.length);
  });

  it("make a state machine that diverges loud", () => {
    const test = logOf(7);
    const hashes = new StateHashes({ every: 2 });
    follow(test, hashes);
    const [first] = follow(test, new StateHashes({ every: 2 }), true);
    expect(() => hashes.verify(first ?? { op: 0, hash: "" })).toThrow(
      expect.objectContaining({ code: Code.DataLoss, reason: "STATE_DIVERGED" }),
    );
  });

  it("are kept for the last ones only: of an older state nothing can be said", () => {
    const test = logOf(7);
    const hashes = new StateHashes({ every: 2, keep: 2 });
    const ops = follow(test, hashes).map(({ op }) => op);
    expect(ops).toHaveLength(4);
    const found = ops.map((op) => {
      try {
        hashes.verify({ op, hash: "another" });
        return "forgotten";
      } catch {
        return "kept";
      }
    });
    expect(found).toEqual(["forgotten", "forgotten", "kept", "kept"]);
  });
});
