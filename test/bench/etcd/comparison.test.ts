import { describe, expect, it } from "vitest";
import { type Contestant, compare, type Measured, type Target } from "../../../bench/etcd/comparison.js";

const once = { rounds: 1, timeMs: 10, warmupMs: 0 };
const never = new AbortController().signal;

/** One that finds this, one after the other; `asked` is told. */
function finding(
  name: string,
  found: readonly Measured[],
  asked: (name: string, ms: number) => void = () => {},
): Contestant {
  let at = 0;
  return {
    name,
    measure: async (timeMs) => {
      asked(name, timeMs);
      return found[at++ % found.length] ?? { value: 0 };
    },
  };
}

describe("compare", () => {
  it("warms all up, then measures them by turns", async () => {
    const asked: string[] = [];
    const note = (name: string, ms: number) => asked.push(`${name} ${ms}`);
    const both = ["a", "b"].map((name) => finding(name, [{ value: 1 }], note));
    await compare(both, [], { rounds: 2, timeMs: 10, warmupMs: 5 }, never);
    expect(asked).toEqual(["a 5", "b 5", "a 10", "b 10", "a 10", "b 10"]);
  });

  it("forms a ratio in each round, and shows the medians", async () => {
    const cpu = (client: number, server: number | null) => ({ client, server, etcd: null });
    const a = finding("a", [
      { value: 10, cpu: cpu(1, null), batch: 4 },
      { value: 40, cpu: cpu(3, 7), batch: 8 },
      { value: 90, cpu: cpu(2, 9), batch: 6 },
    ]);
    const b = finding("b", [{ value: 10 }, { value: 10 }, { value: 30 }]);
    const settings = { ...once, rounds: 3 };
    const { contestants, ratios } = await compare([a, b], [{ of: "a", to: "b" }], settings, never);
    expect(contestants).toEqual([
      {
        name: "a",
        value: { median: 40, least: 10, most: 90 },
        cpu: { client: 2, server: 8, etcd: null },
        batch: 6,
        rounds: [10, 40, 90],
      },
      { name: "b", value: { median: 10, least: 10, most: 30 }, cpu: null, batch: null, rounds: [10, 10, 30] },
    ]);
    expect(ratios).toEqual([{ of: "a", to: "b", median: 3, least: 1, most: 4, target: null, met: null }]);
  });

  it.each<{ target: Target; value: number; met: boolean }>([
    { target: { kind: "at least", value: 1.5 }, value: 1.5, met: true },
    { target: { kind: "at least", value: 1.5 }, value: 1.49, met: false },
    { target: { kind: "below", value: 3 }, value: 2.99, met: true },
    { target: { kind: "below", value: 3 }, value: 3, met: false },
  ])("says of $value whether it is $target.kind $target.value", async ({ target, value, met }) => {
    const both = [finding("a", [{ value }]), finding("b", [{ value: 1 }])];
    const { ratios } = await compare(both, [{ of: "a", to: "b", target }], once, never);
    expect(ratios).toEqual([{ of: "a", to: "b", median: value, least: value, most: value, target, met }]);
  });

  it("ends with the signal, and with one who fails", async () => {
    const ended = AbortSignal.abort(new Error("interrupted"));
    await expect(compare([finding("a", [{ value: 1 }])], [], once, ended)).rejects.toThrow("interrupted");
    const failing = { name: "b", measure: () => Promise.reject(new Error("broken")) };
    await expect(compare([failing], [], once, never)).rejects.toThrow("broken");
  });

  it("refuses a ratio of somebody unknown", async () => {
    const of = { of: "a", to: "c" };
    await expect(compare([finding("a", [{ value: 1 }])], [of], once, never)).rejects.toThrow(
      "no contestant c",
    );
  });
});
