import { describe, expect, it } from "vitest";
import { spreadOf } from "../../../bench/shared/spread.js";

describe("spreadOf", () => {
  it.each([
    { values: [5], spread: { median: 5, least: 5, most: 5 } },
    { values: [10, 9, 100], spread: { median: 10, least: 9, most: 100 } },
    { values: [4, 1, 2, 100], spread: { median: 3, least: 1, most: 100 } },
  ])("is $spread of $values", ({ values, spread }) => {
    const given = [...values];
    expect(spreadOf(given)).toEqual(spread);
    expect(given).toEqual(values);
  });

  it("is refused of nothing", () => {
    expect(() => spreadOf([])).toThrow("no median");
  });
});
