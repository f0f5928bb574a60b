import { create } from "@bufbuild/protobuf";
import { Code, QuorateError } from "quorate";
import { describe, expect, it, vi } from "vitest";
import { type BankCalls, TransferLoad } from "../../../examples/bank/client/transfer-load.js";
import { seededRandom } from "../../../examples/bank/demo/seeded-random.js";
import {
  ReceiptSchema,
  TotalsResponseSchema,
  TransferRequestSchema,
} from "../../../examples/bank/gen/bank/v1/bank_pb.js";
import { bankRefusal } from "../../../examples/bank/service/bank-refusal.js";
import { eventually } from "../../helpers/eventually.js";
import { turn } from "../../helpers/turn.js";

/** A bank that takes every transfer that can be paid, one op after the other. */
function fakeBank(overrides: Partial<BankCalls> = {}) {
  const asked: Parameters<BankCalls["transfer"]>[0][] = [];
  let op = 0n;
  const bank: BankCalls = {
    transfer: async (request) => {
      asked.push(request);
      await turn();
      if ((request.amount ?? 0n) > 1_000n) throw bankRefusal("INSUFFICIENT_FUNDS", "too much");
      return create(ReceiptSchema, { op: ++op });
    },
    totals: async () => create(TotalsResponseSchema, { deposits: 1_000n, balances: 1_000n }),
    ...overrides,
  };
  return { bank, asked };
}

function startLoad(bank: BankCalls, { seed = 1, session = 0 } = {}) {
  return new TransferLoad({
    bank,
    user: "ann",
    own: ["ann/1", "ann/2"],
    all: ["ann/1", "ann/2", "bob/1"],
    total: 1_000n,
    sessionNumber: () => session,
    random: seededRandom(seed),
  });
}

describe("TransferLoad", () => {
  it("transfers between its own accounts and all others until it is stopped, each under its own name", async () => {
    const { bank, asked } = fakeBank();
    const load = startLoad(bank);
    load.start(3);
    await eventually(() => load.outcomes.length >= 200);
    await load.stop();
    expect(load.problems).toEqual([]);
    expect(load.outcomes).toHaveLength(asked.length);
    expect(new Set(asked.map(({ transferId }) => transferId)).size).toBe(asked.length);
    for (const { transferId, from, to, amount } of asked) {
      expect(transferId).toMatch(/^ann-\d+$/);
      expect(["ann/1", "ann/2"]).toContain(from);
      expect(["ann/1", "ann/2", "bob/1"]).toContain(to);
      expect(to).not.toBe(from);
      expect(amount).toBeGreaterThan(0n);
    }
    const kinds = new Set(load.outcomes.map(({ result }) => result.kind));
    expect(kinds).toEqual(new Set(["receipt", "refused"]));
  });

  it("has so many under way at a time", async () => {
    const open: (() => void)[] = [];
    let op = 0n;
    const { bank } = fakeBank({
      transfer: () => new Promise((resolve) => open.push(() => resolve(create(ReceiptSchema, { op: ++op })))),
    });
    const load = startLoad(bank);
    load.start(4);
    expect(open).toHaveLength(4);
    open[0]?.();
    await eventually(() => open.length === 5);
    const stopped = load.stop();
    for (const answer of open) answer();
    await stopped;
    expect([load.outcomes.length, open.length]).toEqual([5, 5]);
  });

  it("takes a receipt from before the present session for a replay", async () => {
    const { bank } = fakeBank({ transfer: async () => create(ReceiptSchema, { op: 7n }) });
    const replayed = async (session: number) => {
      const load = startLoad(bank, { session });
      load.once();
      await load.stop();
      return load.outcomes.map(({ result }) => result.kind === "receipt" && result.replayed);
    };
    expect([await replayed(6), await replayed(8)]).toEqual([[false], [true]]);
  });

  it("makes one more of an amount that is there, and says its name before it is answered", async () => {
    const { bank, asked } = fakeBank();
    const load = startLoad(bank);
    const transferId = load.once();
    expect(load.outcomes).toEqual([]);
    expect(asked).toEqual([expect.objectContaining({ transferId, amount: 1n })]);
    await load.stop();
    expect(load.outcomes.map((outcome) => outcome.transferId)).toEqual([transferId]);
  });

  it("says what failed, and does not go on with that lane", async () => {
    const { bank, asked } = fakeBank({
      transfer: () => Promise.reject(new QuorateError(Code.Aborted, "quorate: who knows")),
    });
    const load = startLoad(bank);
    load.start(2);
    await load.stop();
    expect(asked).toEqual([]);
    expect(load.outcomes.map(({ result }) => result.kind)).toEqual(["failed", "failed"]);
    expect(load.problems).toEqual([
      "ann-1 failed: QuorateError [Aborted]: quorate: who knows",
      "ann-2 failed: QuorateError [Aborted]: quorate: who knows",
    ]);
  });

  it("says when a transfer is put before one that was answered before", async () => {
    const ops = [5n, 6n, 6n];
    const { bank } = fakeBank({
      transfer: async () => {
        await turn();
        return create(ReceiptSchema, { op: ops.shift() ?? 100n });
      },
    });
    const load = startLoad(bank, { seed: 3 });
    load.start(1);
    await eventually(() => load.problems.length > 0);
    await load.stop();
    expect(load.problems).toContain("ann-3 stands before what came before it");
    expect(load.problems).not.toContain("ann-2 stands before what came before it");
  });

  it.each([
    ["were lost", { deposits: 1_000n, balances: 999n }, /have 999 of 1000, expected 1000/],
    ["are others", { deposits: 7n, balances: 7n }, /have 7 of 7, expected 1000/],
  ])("reads the totals now and then, and says when they %s", async (_, totals, problem) => {
    const { bank } = fakeBank({ totals: async () => create(TotalsResponseSchema, totals) });
    const load = startLoad(bank);
    load.start(1);
    await eventually(() => load.audits > 0);
    await load.stop();
    expect(load.problems[0]).toMatch(problem);
  });

  it("says when the totals cannot be read", async () => {
    const { bank } = fakeBank({ totals: () => Promise.reject(new Error("away")) });
    const load = startLoad(bank);
    load.start(1);
    await eventually(() => load.problems.length > 0);
    await load.stop();
    expect(load.problems[0]).toBe("the totals cannot be read: Error: away");
  });

  it.each([
    ["a receipt", {}],
    ["a refusal", { transfer: () => Promise.reject(bankRefusal("INSUFFICIENT_FUNDS", "too much")) }],
  ])("takes %s for an answer that ends a pause", async (_, overrides) => {
    const load = startLoad(fakeBank(overrides).bank);
    const answered = vi.spyOn(load.pauses, "answered");
    load.once();
    await load.stop();
    expect(answered).toHaveBeenCalledOnce();
  });

  it("takes a failure for none", async () => {
    const load = startLoad(fakeBank({ transfer: () => Promise.reject(new Error("away")) }).bank);
    const answered = vi.spyOn(load.pauses, "answered");
    load.once();
    await load.stop();
    expect(answered).not.toHaveBeenCalled();
  });

  it("chooses the same transfers for the same seed", async () => {
    const chosen = async (seed: number) => {
      const { bank, asked } = fakeBank();
      const load = startLoad(bank, { seed });
      for (let count = 0; count < 20; count++) load.once();
      await load.stop();
      return asked.map((request) => create(TransferRequestSchema, request));
    };
    expect(await chosen(5)).toEqual(await chosen(5));
    expect(await chosen(6)).not.toEqual(await chosen(5));
  });
});
