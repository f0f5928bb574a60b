import { create } from "@bufbuild/protobuf";
import { Code, QuorateError } from "quorate";
import { describe, expect, it } from "vitest";
import { askingAgain } from "../../../examples/bank/client/asking-again.js";
import { ReceiptSchema } from "../../../examples/bank/gen/bank/v1/bank_pb.js";

/** A bank whose first answers to transfers are these. */
function bankThatFails(...errors: Error[]) {
  const asked: unknown[] = [];
  const transfer = async (request: unknown) => {
    asked.push(request);
    const error = errors.shift();
    if (error !== undefined) throw error;
    return create(ReceiptSchema, { op: 5n });
  };
  return { asked, bank: askingAgain({ transfer, other: () => "left alone" } as never) as Bank };
}
interface Bank {
  transfer(request: unknown): Promise<{ readonly op: bigint }>;
  other(): string;
}

const unknown = new QuorateError(Code.Aborted, "quorate: who knows", { reason: "OUTCOME_UNKNOWN" });

describe("askingAgain", () => {
  it("asks for a transfer again as long as nobody knows what became of it", async () => {
    const { bank, asked } = bankThatFails(unknown, unknown);
    const request = { transferId: "t1" };
    expect((await bank.transfer(request)).op).toBe(5n);
    expect(asked).toEqual([request, request, request]);
    expect(bank.other()).toBe("left alone");
  });

  it.each([
    new QuorateError(Code.FailedPrecondition, "bank: no", { reason: "INSUFFICIENT_FUNDS" }),
    new Error("?"),
  ])("passes on %s", async (error) => {
    const { bank, asked } = bankThatFails(error);
    await expect(bank.transfer({})).rejects.toBe(error);
    expect(asked).toHaveLength(1);
  });
});
