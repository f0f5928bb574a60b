import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { AppliedWaits } from "../../../src/sessions/server/applied-waits.js";
import { refusal } from "../../../src/sessions/session-errors.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { turn } from "../../helpers/turn.js";

/** Waits for these ops; the list gets those that are over. */
function waitFor(waits: AppliedWaits, ops: readonly number[]): number[] {
  const over: number[] = [];
  for (const op of ops) void waits.wait(op).applied.then(() => over.push(op));
  return over;
}

describe("AppliedWaits", () => {
  checkLeaks();

  it("end once their op, or one above it, is applied, and not before", async () => {
    const waits = new AppliedWaits(5);
    const over = waitFor(waits, [9, 5, 7, 20, 4]);
    await turn();
    expect(over).toEqual([5, 4]);
    waits.advance(6);
    await turn();
    expect(over).toEqual([5, 4]);
    waits.advance(8);
    await turn();
    expect(over).toEqual([5, 4, 7]);
    waits.advance(19);
    waits.advance(20);
    await turn();
    expect(over).toEqual([5, 4, 7, 9, 20]);
    expect(waits.size).toBe(0);
  });

  it("count those that come after others are over", async () => {
    const waits = new AppliedWaits(0);
    waitFor(waits, [10]);
    waits.advance(10);
    const over = waitFor(waits, [30, 12]);
    waits.advance(12);
    await turn();
    expect(over).toEqual([12]);
  });

  it("can be given up, alone, and then hold nothing", async () => {
    const waits = new AppliedWaits(0);
    const over = waitFor(waits, [3]);
    const given = waits.wait(3);
    given.cancel();
    given.cancel();
    expect(waits.size).toBe(1);
    await expect(given.applied).rejects.toMatchObject({ code: Code.Canceled });
    waits.advance(3);
    await turn();
    expect(over).toEqual([3]);
    const done = waits.wait(2);
    done.cancel();
    await done.applied;
  });

  it("end with the log, those that come as well; of which nobody need take note", async () => {
    const waits = new AppliedWaits(0);
    const pending = waits.wait(1);
    waits.wait(2);
    waits.end(refusal("RETRY"));
    waits.wait(3);
    await expect(pending.applied).rejects.toMatchObject({ reason: "RETRY" });
    await expect(waits.wait(0).applied).rejects.toMatchObject({ reason: "RETRY" });
    expect(waits.size).toBe(0);
    await turn();
  });
});
