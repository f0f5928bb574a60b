import { describe, expect, it } from "vitest";
import { checkLeaks } from "../../helpers/leaks.js";
import { simulate } from "./simulate.js";

checkLeaks();

describe("simulate", () => {
  it("is the same run for the same seed, and another one for another", async () => {
    const [once, again, other] = [await simulate(7), await simulate(7), await simulate(8)];
    const facts = ({ faults, history, totals }: typeof once) => ({
      operations: history.checked,
      faults: [...faults],
      totals,
    });
    expect(facts(again)).toEqual(facts(once));
    expect(facts(other)).not.toEqual(facts(once));
  });
});
