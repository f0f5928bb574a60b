import { describe, expect, it } from "vitest";
import { added, fail, left, ok, type Step, TrackerHistory, times } from "./tracker-history.js";

interface Row {
  readonly name: string;
  readonly steps: readonly Step[];
  /** What the nodes know of themselves. */
  readonly latenciesMs?: { readonly [id: number]: number };
  readonly order: readonly number[];
}

const rows: readonly Row[] = [
  {
    name: "nothing is known: as they come",
    steps: [],
    order: [1, 2, 3],
  },
  {
    name: "nothing is known: by latency, those without one last",
    steps: [],
    latenciesMs: { 2: 40, 3: 4 },
    order: [3, 2, 1],
  },
  {
    name: "one was added: it is ahead of those that nothing is known of",
    steps: [added(3)],
    order: [3, 1, 2],
  },
  {
    name: "one was added: ahead of others also though these are quicker, as far as is known",
    steps: [added(3)],
    latenciesMs: { 1: 1, 2: 2, 3: 100 },
    order: [3, 1, 2],
  },
  {
    name: "some were added: these by latency",
    steps: [added(1), added(3)],
    latenciesMs: { 1: 40, 2: 1, 3: 4 },
    order: [3, 1, 2],
  },
  {
    name: "one was added that is known: nothing changes",
    steps: [fail(1, 5), added(1)],
    order: [2, 3, 1],
  },
  {
    name: "an added one failed: it is known to be useful no longer",
    steps: [added(1), fail(1, 5)],
    order: [2, 3, 1],
  },
  {
    name: "one has answered: it is ahead of unknown ones",
    steps: [ok(2, 5)],
    order: [2, 1, 3],
  },
  {
    name: "one took a message: it is ahead of unknown ones",
    steps: [ok(2)],
    order: [2, 1, 3],
  },
  {
    name: "one has answered slowly: nobody has failed yet, and another may be quicker",
    steps: [ok(2, 400)],
    order: [1, 3, 2],
  },
  {
    name: "one has answered slowly, and others have failed: it is ahead",
    steps: [fail(1, 5), fail(4, 5), ok(2, 400)],
    order: [2, 3, 1, 4],
  },
  {
    name: "one has failed: it is behind unknown ones",
    steps: [fail(1, 1)],
    order: [2, 3, 1],
  },
  {
    name: "one has answered, one has failed",
    steps: [fail(1, 1), ok(3, 5)],
    order: [3, 2, 1],
  },
  {
    name: "one that could be sent nothing is behind unknown ones",
    steps: [ok(2), fail(1, 0)],
    order: [2, 3, 1],
  },
  {
    name: "one has failed at its deadline: it is behind one that fails at once",
    steps: [fail(1, 2_000), fail(2, 1)],
    order: [3, 2, 1],
  },
  {
    name: "all have answered: the quickest first",
    steps: [ok(1, 20), ok(2, 5), ok(3, 10)],
    order: [2, 3, 1],
  },
  {
    name: "what the session has measured counts, and not what the node knows",
    steps: [ok(1, 20), ok(2, 5), ok(3, 10)],
    latenciesMs: { 1: 1, 2: 300, 3: 10 },
    order: [2, 3, 1],
  },
  {
    name: "one was slow once",
    steps: [...times(5, ok(1, 5), ok(2, 8), ok(3, 10)), ok(1, 500)],
    order: [2, 3, 1],
  },
  {
    name: "one fails quickly, always, and one answers slowly, always",
    steps: times(5, fail(1, 1), ok(2, 500)),
    order: [2, 1],
  },
  {
    name: "one fails half of the time, quickly, and one answers always, not so quickly",
    steps: times(5, fail(1, 1), ok(1, 1), ok(2, 300), ok(3, 300)),
    order: [2, 3, 1],
  },
  {
    name: "what was last counts the most",
    steps: [...times(5, fail(1, 10), ok(2, 10)), ...times(5, ok(1, 10), fail(2, 10))],
    order: [1, 3, 2],
  },
  {
    name: "one was not waited for: it takes twice as long at least",
    steps: [ok(1, 10), ok(3, 14), left(2, 8)],
    order: [1, 3, 2],
  },
  {
    name: "that one was not waited for says nothing of one that takes longer anyway",
    steps: [ok(1, 30), ok(2, 10), ok(3, 20), ...times(20, left(1, 6), left(2, 1), left(3, 1))],
    order: [2, 3, 1],
  },
  {
    name: "one was not waited for, for longer than it took before",
    steps: [ok(1, 10), ok(2, 12), ok(3, 14), left(1, 50)],
    order: [2, 3, 1],
  },
  {
    name: "one was hardly waited for: that makes it no quicker than the others",
    steps: [ok(1, 10), ok(3, 14), left(2, 0)],
    order: [1, 3, 2],
  },
  {
    name: "one was not waited for at all, and nothing else is known: it is not taken for quick",
    steps: [left(2, 0)],
    latenciesMs: { 1: 20 },
    order: [1, 2],
  },
  {
    name: "one was not waited for: it is ahead of one that failed",
    steps: [fail(1, 10), left(2, 10), ok(3, 10)],
    order: [3, 2, 1],
  },
];

describe("the order of peers", () => {
  it.each(rows)("when $name", ({ steps, latenciesMs, order }) => {
    expect(new TrackerHistory(order.length, {}, latenciesMs).run(...steps).order()).toEqual(order);
  });
});

/** After how many seconds of calls to the others is this one the first? 20 calls a second. */
function secondsUntilFirst(history: TrackerHistory, id: number): number {
  let calls = 0;
  for (let first = history.order()[0]; first !== id; first = history.order()[0]) {
    if (calls > 20_000 || first === undefined) return Number.POSITIVE_INFINITY;
    history.run(ok(first, 5, 50));
    calls += 1;
  }
  return calls / 20;
}

describe("a peer that is not used", () => {
  it.each<{ name: string; steps: readonly Step[]; between: readonly [number, number] }>([
    { name: "took ten times as long", steps: [ok(1, 150)], between: [20, 50] },
    { name: "failed", steps: [fail(1, 5)], between: [40, 90] },
    { name: "failed again and again", steps: times(20, fail(1, 5)), between: [60, 120] },
    { name: "was not waited for", steps: [left(1, 100)], between: [15, 60] },
    { name: "was never used", steps: [], between: [15, 60] },
  ])("because it $name is tried again", ({ steps, between: [least, most] }) => {
    const history = new TrackerHistory(2).run(...times(5, ok(2, 5)), ...steps);
    expect(history.order()).toEqual([2, 1]);
    const seconds = secondsUntilFirst(history, 1);
    expect(seconds).toBeGreaterThan(least);
    expect(seconds).toBeLessThan(most);
  });

  it("is tried again the sooner the shorter the half-life, and never if that is infinite", () => {
    const [short, long, never] = [1_000, 10_000, Number.POSITIVE_INFINITY].map((halfLifeMs) => {
      const history = new TrackerHistory(2, { halfLifeMs }).run(...times(5, ok(2, 5)), ok(1, 300));
      return secondsUntilFirst(history, 1);
    });
    expect(short).toBeLessThan((long ?? 0) / 8);
    expect(never).toBe(Number.POSITIVE_INFINITY);
  });

  it("and that does well when it is tried again is back", () => {
    const history = new TrackerHistory(2).run(...times(10, ok(2, 50)), ...times(9, ok(1, 5)), ok(1, 2_000));
    expect(history.order()).toEqual([2, 1]);
    let seconds = 0;
    while (history.order()[0] !== 1) {
      history.run(ok(2, 50, 1_000));
      seconds += 1;
    }
    expect(seconds).toBeGreaterThan(20);
    history.run(ok(1, 5), ok(2, 50), ok(1, 5), ok(2, 50));
    expect(history.order()).toEqual([1, 2]);
  });

  it("and that fails when it is tried again waits as long again", () => {
    const history = new TrackerHistory(2).run(...times(5, ok(2, 5)), ...times(5, fail(1, 5)));
    for (let tries = 0; tries < 3; tries++) {
      expect(secondsUntilFirst(history, 1)).toBeGreaterThan(30);
      history.run(fail(1, 5));
    }
  });

  it("is not preferred because there was a pause of everything", () => {
    const history = new TrackerHistory(4).run(...times(5, ok(4, 5)), fail(1, 5), fail(2, 5));
    expect(history.order()).toEqual([4, 3, 1, 2]);
    history.run(ok(4, 5, 3_600_000));
    expect(history.order()).toEqual([4, 3, 1, 2]);
  });

  it("is one of many that wait for their turn: of those that were never used, one is tried at a time", () => {
    const history = new TrackerHistory(100).run(...times(5, fail(1, 5), ok(2, 5)));
    let tried = 0;
    for (let at = 0; at < 20 * 300; at++) {
      const [first = 0] = history.order();
      const known = history.tracker.standings().some(({ node }) => node.id === first);
      if (!known) tried += 1;
      history.run(first === 2 ? ok(2, 5, 50) : fail(first, 5, 50));
    }
    // Within five minutes; at once it would be all of them.
    expect(tried).toBeGreaterThan(2);
    expect(tried).toBeLessThan(10);
  });

  it.each([0, 5, 20, 60])("is ahead of unknown ones if it is added after %d s", (seconds) => {
    const history = new TrackerHistory(3, {}, { 2: 1, 3: 100 }).run(...times(1 + 20 * seconds, ok(1, 5, 50)));
    const order = history.run(added(3)).order();
    expect(order.indexOf(3)).toBeLessThan(order.indexOf(2));
  });
});

describe("what others did at their first call is expected of an unknown peer", () => {
  it.each([
    { name: "all have an answer: it is tried soon", had: 5, hadNot: 0, between: [0, 20] as const },
    { name: "few have one: it is not", had: 1, hadNot: 4, between: [30, 120] as const },
  ])("$name", ({ had, hadNot, between: [least, most] }) => {
    const history = new TrackerHistory(6);
    for (let id = 1; id <= had + hadNot; id++) history.run(id <= had ? ok(id, 5) : fail(id, 5));
    const seconds = secondsUntilFirst(history, 6);
    expect(seconds).toBeGreaterThan(least);
    expect(seconds).toBeLessThan(most);
  });
});
