import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkLinearizable, type Operation } from "./check-linearizable.js";
import { type RegisterInput, type RegisterOutput, registerModel } from "./register-model.js";
import { searchByPermutation } from "./search-by-permutation.js";

type RegisterOperation = Operation<RegisterInput, RegisterOutput>;

const letter = fc.constantFrom("a", "b");
const value = fc.constantFrom("", "a", "b", "ab", "ba");
const input: fc.Arbitrary<RegisterInput> = fc.oneof(
  fc.constant({ kind: "read" as const }),
  fc.record({ kind: fc.constantFrom("write" as const, "append" as const), value: letter }),
  fc.record({ kind: fc.constant("compareAndSet" as const), expected: value, value: letter }),
);

/** When it is called, when it takes effect, when it returns; and whether nobody hears of it. */
interface Times {
  readonly called: number;
  readonly lasts: number;
  readonly at: number;
  readonly isUnknown: boolean;
}

const times: fc.Arbitrary<Times> = fc.record({
  called: fc.nat(12),
  lasts: fc.nat(6),
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  isUnknown: fc.boolean(),
});
const planned = (maxLength: number) => fc.array(fc.tuple(input, times), { minLength: 1, maxLength });

/** What a register that is right would have answered, each operation taking effect at its own moment. */
function answered(plan: readonly (readonly [RegisterInput, Times])[]): RegisterOperation[] {
  const moment = ({ called, lasts, at }: Times) => called + lasts * at;
  let state = registerModel.initial;
  return [...plan]
    .sort(([, a], [, b]) => moment(a) - moment(b))
    .map(([input, { called, lasts, isUnknown }]) => {
      const before = state;
      state = registerModel.step(state, input, undefined) ?? state;
      const swapped = input.kind === "compareAndSet" ? { swapped: before === input.expected } : {};
      const output = { ...(input.kind === "write" ? {} : { value: state }), ...swapped };
      const returned = isUnknown ? Number.POSITIVE_INFINITY : called + lasts;
      return { client: "c", key: "k", called, returned, input, output: isUnknown ? undefined : output };
    });
}

describe("checkLinearizable, on any history", () => {
  it("accepts what a register that is right has answered", () => {
    const check = fc.property(planned(60), (plan) => checkLinearizable(registerModel, answered(plan)).ok);
    expect(() => fc.assert(check, { numRuns: 300 })).not.toThrow();
  });

  it("agrees with the search through all orders", () => {
    const verdicts = { accepted: 0, rejected: 0 };
    const spoilt = fc.tuple(planned(5), fc.array(fc.option(value), { minLength: 5, maxLength: 5 }));
    const check = fc.property(spoilt, ([plan, answers]) => {
      const history = answered(plan).map((operation, at) => spoil(operation, answers[at] ?? undefined));
      const expected = searchByPermutation(registerModel, history);
      verdicts[expected ? "accepted" : "rejected"] += 1;
      expect(checkLinearizable(registerModel, history).ok).toBe(expected);
    });
    fc.assert(check, { numRuns: 1_500 });
    expect(verdicts.accepted).toBeGreaterThan(200);
    expect(verdicts.rejected).toBeGreaterThan(200);
  });
});

/** The same with another answer, if one is given. */
function spoil(operation: RegisterOperation, value: string | undefined): RegisterOperation {
  if (value === undefined || operation.output === undefined) return operation;
  return { ...operation, output: { ...operation.output, value } };
}
