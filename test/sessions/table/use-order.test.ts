import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Place, UseOrder } from "../../../src/sessions/table/use-order.js";

describe("UseOrder", () => {
  it("is a list from which a used item is taken out and put behind the others", () => {
    const action = fc.record({ what: fc.constantFrom("add", "use", "remove"), at: fc.nat(20) });
    fc.assert(
      fc.property(fc.array(action, { size: "max", maxLength: 60 }), (actions) => {
        const order = new UseOrder<number>();
        let places: Place<number>[] = [];
        let next = 0;
        for (const { what, at } of actions) {
          const place = places[at % Math.max(places.length, 1)];
          if (what === "add") places.push(order.add(next++));
          else if (place !== undefined) {
            places = places.filter((one) => one !== place);
            if (what === "remove") order.remove(place);
            else {
              order.use(place);
              places.push(place);
            }
          }
          const items = places.map(({ item }) => item);
          expect([...order]).toEqual(items);
          expect(order.size).toBe(items.length);
          expect(order.oldest).toBe(items[0]);
        }
      }),
    );
  });

  it("may lose the item that it is at while it is walked through", () => {
    const order = new UseOrder<number>();
    const places = [1, 2, 3].map((item) => order.add(item));
    const seen: number[] = [];
    for (const item of order) {
      seen.push(item);
      const place = places[item - 1];
      if (item < 3 && place !== undefined) order.remove(place);
    }
    expect(seen).toEqual([1, 2, 3]);
    expect([...order]).toEqual([3]);
  });
});
