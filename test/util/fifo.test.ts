import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Fifo } from "../../internal/util/fifo.js";
import { eventually } from "../helpers/eventually.js";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

type Step =
  | { readonly kind: "push" | "shift"; readonly count: number }
  | { readonly kind: "retain"; readonly divisor: number }
  | { readonly kind: "drain" };

// Large counts cross the length at which the queue lets go of its used-up front.
const counts = fc.oneof({ weight: 3, arbitrary: fc.nat(5) }, fc.integer({ min: 500, max: 2_500 }));
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("push" as const), count: counts }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("shift" as const), count: counts }) },
  fc.record({ kind: fc.constant("retain" as const), divisor: fc.integer({ min: 1, max: 3 }) }),
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("drain" as const) }) },
);

type Item = number | undefined;

/** Numbers, and undefined now and then, which a queue may hold too. */
const itemsFrom = (serial: number, count: number): Item[] =>
  Array.from({ length: count }, (_, index) => ((serial + index) % 7 === 6 ? undefined : serial + index));

const keeper =
  (divisor: number) =>
  (item: Item): boolean =>
    (item ?? 0) % divisor === 0;

/** Does the step to the queue; returns what came out. */
function apply(queue: Fifo<Item>, step: Step, serial: number): Item[] {
  switch (step.kind) {
    case "push":
      for (const item of itemsFrom(serial, step.count)) queue.push(item);
      return [];
    case "shift":
      return Array.from({ length: step.count }, () => queue.shift());
    case "retain":
      queue.retain(keeper(step.divisor));
      return [];
    default:
      return queue.drain();
  }
}

/** The same to an array. */
function applyToModel(model: Item[], step: Step, serial: number): Item[] {
  switch (step.kind) {
    case "push":
      model.push(...itemsFrom(serial, step.count));
      return [];
    case "shift":
      return Array.from({ length: step.count }, () => model.shift());
    case "retain":
      model.splice(0, model.length, ...model.filter(keeper(step.divisor)));
      return [];
    default:
      return model.splice(0);
  }
}

describe("Fifo", () => {
  it("does what an array does", () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 25 }), (list) => {
        const queue = new Fifo<Item>();
        const model: Item[] = [];
        for (const [index, step] of list.entries()) {
          expect(apply(queue, step, index * 10_000)).toEqual(applyToModel(model, step, index * 10_000));
          expect([queue.length, queue.peek()]).toEqual([model.length, model[0]]);
        }
        expect([...queue]).toEqual(model);
      }),
      { numRuns: 150 },
    );
  });

  it("has nothing to give when it is empty, and goes on after that", () => {
    const queue = new Fifo<string>();
    expect([queue.shift(), queue.peek(), queue.length]).toEqual([undefined, undefined, 0]);
    expect(queue.drain()).toEqual([]);
    queue.push("a");
    expect([queue.shift(), queue.shift(), queue.length]).toEqual(["a", undefined, 0]);
    queue.push("b");
    expect([...queue]).toEqual(["b"]);
  });

  it("asks retain about each item once, in order", () => {
    const queue = new Fifo<number>();
    for (let item = 0; item < 5; item++) queue.push(item);
    queue.shift();
    const asked: number[] = [];
    queue.retain((item) => asked.push(item) !== 2);
    expect(asked).toEqual([1, 2, 3, 4]);
    expect(queue.drain()).toEqual([1, 3, 4]);
  });

  it("lets go of what was taken out", async () => {
    const queue = new Fifo<object>();
    const references = Array.from({ length: 100 }, () => {
      const item = {};
      queue.push(item);
      return new WeakRef(item);
    });
    const alive = () => {
      collectGarbage();
      return references.filter((reference) => reference.deref() !== undefined).length;
    };
    for (let count = 0; count < 40; count++) queue.shift();
    await eventually(() => alive() === 60, "the loss of what was shifted");
    queue.retain((item) => item !== queue.peek());
    await eventually(() => alive() === 59, "the loss of what was not retained");
    expect(queue.drain()).toHaveLength(59);
    await eventually(() => alive() === 0, "the loss of what was drained");
  });

  it("takes time in proportion to the items, not to their square", () => {
    const queue = new Fifo<number>();
    const count = 500_000;
    for (let item = 0; item < count; item++) queue.push(item);
    let sum = 0;
    const startedAt = performance.now();
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) sum += item;
    expect(sum).toBe((count * (count - 1)) / 2);
    // Array.shift takes more than ten times as long.
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});
