import { describe, expect, it } from "vitest";
import { InFlight } from "../../../src/sessions/server/in-flight.js";
import { id } from "../table/test-table.js";

const a = id(1);
const b = id(2);

function flying(...flights: readonly (readonly [client: string, session: number, request: number])[]) {
  const inFlight = new InFlight<number>();
  for (const [client, session, request] of flights) {
    inFlight.add({ client, session, request, digest: "d", value: request });
  }
  return inFlight;
}

const requests = (flights: readonly { readonly request: number }[]) => flights.map(({ request }) => request);

describe("InFlight", () => {
  it("finds a request under its session number alone", () => {
    const inFlight = flying([a, 5, 1], [b, 6, 2]);
    expect(inFlight.find(a, 5, 1)).toMatchObject({ value: 1, digest: "d" });
    expect(inFlight.find(a, 6, 1)).toBeUndefined();
    expect(inFlight.find(a, 5, 2)).toBeUndefined();
    expect(inFlight.find(b, 5, 2)).toBeUndefined();
    expect(inFlight.size).toBe(2);
  });

  it("knows the highest number under a session number, which follows what leaves", () => {
    const inFlight = flying([a, 5, 1], [a, 5, 3], [a, 5, 2], [b, 6, 9]);
    expect(inFlight.highest(a, 5)).toBe(3);
    expect(inFlight.highest(a, 6)).toBe(0);
    expect(inFlight.highest(id(3), 5)).toBe(0);
    inFlight.take(a, 5, 3);
    expect(inFlight.highest(a, 5)).toBe(2);
  });

  it("gives out a request once", () => {
    const inFlight = flying([a, 5, 1]);
    expect(inFlight.take(a, 4, 1)).toBeUndefined();
    expect(inFlight.take(a, 5, 1)).toMatchObject({ value: 1 });
    expect(inFlight.take(a, 5, 1)).toBeUndefined();
    expect(inFlight.size).toBe(0);
  });

  it("takes out a failed request with all above it, and nothing of others", () => {
    const inFlight = flying([a, 5, 1], [a, 5, 2], [a, 5, 3], [b, 6, 4]);
    expect(requests(inFlight.takeFrom(a, 4, 1))).toEqual([]);
    expect(requests(inFlight.takeFrom(a, 5, 2))).toEqual([2, 3]);
    expect(inFlight.size).toBe(2);
    expect(inFlight.highest(a, 5)).toBe(1);
  });

  it("takes out what is fenced, and leaves what came under the new number", () => {
    const inFlight = flying([a, 5, 1], [a, 5, 2], [b, 5, 3]);
    expect(requests(inFlight.fence(a, 8))).toEqual([1, 2]);
    inFlight.add({ client: a, session: 8, request: 1, digest: "d", value: 1 });
    expect(requests(inFlight.fence(a, 8))).toEqual([]);
    expect(inFlight.size).toBe(2);
  });
});
