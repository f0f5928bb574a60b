import { describe, expect, it } from "vitest";
import { added, fail, left, ok, type Step, TrackerHistory, times } from "./tracker-history.js";

const startMs = new TrackerHistory(1).nowMs;

describe("the standings of a tracker", () => {
  it("count what came of the calls to each peer, the most useful first", () => {
    const history = new TrackerHistory(4);
    history.run(fail(1, 8), ok(2, 10, 99), ok(2, 20, 100), left(2, 1), left(3, 6), ok(3), added(4));
    expect(history.tracker.standings()).toEqual([
      standing(2, {
        successes: 2,
        unanswered: 1,
        latencyMs: expect.closeTo(12, 0),
        lastUsedMs: startMs + 201,
      }),
      standing(4, {}),
      standing(3, { successes: 1, unanswered: 1, latencyMs: 12, lastUsedMs: startMs + 203 }),
      standing(1, { failures: 1, latencyMs: 8, lastUsedMs: startMs + 1 }),
    ]);

    function standing(id: number, counts: object): object {
      const none = { successes: 0, failures: 0, unanswered: 0, latencyMs: undefined, lastUsedMs: undefined };
      return { node: history.node(id), ...none, ...counts };
    }
  });

  it.each<{ name: string; steps: readonly Step[]; latencyMs: number }>([
    { name: "a fifth, of calls one after the other", steps: [ok(1, 100, 0), ok(1, 200, 0)], latencyMs: 120 },
    { name: "a fifth, of failures too", steps: [ok(1, 100, 0), fail(1, 200, 0)], latencyMs: 120 },
    { name: "three fifths after a half-life", steps: [ok(1, 100), ok(1, 200, 10_000)], latencyMs: 160 },
    {
      name: "nearly all after some half-lives in which others were used",
      steps: [ok(1, 100), ...times(10, ok(2, 5, 10_000)), ok(1, 200)],
      latencyMs: 200,
    },
    { name: "a half-life after a pause of everything", steps: [ok(1, 100), ok(1, 200, 1e9)], latencyMs: 160 },
    { name: "a fifth, of a wait twice as long", steps: [ok(1, 100, 0), left(1, 100, 0)], latencyMs: 120 },
    { name: "nothing, of a wait that says nothing", steps: [ok(1, 100, 0), left(1, 50, 0)], latencyMs: 100 },
  ])("have a latency in which a new call counts for $name", ({ steps, latencyMs }) => {
    const [first] = new TrackerHistory(2)
      .run(...steps)
      .tracker.standings()
      .filter(({ node }) => node.id === 1);
    expect(first?.latencyMs).toBeCloseTo(latencyMs, 0);
  });

  it("are as they were then", () => {
    const history = new TrackerHistory(1).run(ok(1, 5));
    const before = history.tracker.standings();
    history.run(ok(1, 50), fail(1, 5));
    expect(before[0]).toMatchObject({ successes: 1, failures: 0, latencyMs: 5 });
  });
});

describe("a tracker with as many peers as it may have", () => {
  const idsOf = ({ tracker }: TrackerHistory) =>
    tracker
      .standings()
      .map(({ node }) => node.id)
      .sort((a, b) => a - b);

  it.each<{ name: string; steps: readonly Step[]; ids: readonly number[] }>([
    {
      name: "the one that was used least recently",
      steps: [ok(1, 5), ok(2, 5), ok(3, 5), ok(4, 5)],
      ids: [2, 3, 4],
    },
    {
      name: "not one that was used again",
      steps: [ok(1, 5), ok(2, 5), ok(3, 5), fail(1, 5), ok(4, 5)],
      ids: [1, 3, 4],
    },
    {
      name: "not one that was waited for",
      steps: [ok(1, 5), ok(2, 5), ok(3, 5), left(1, 5), ok(4, 5)],
      ids: [1, 3, 4],
    },
    { name: "for one that is added, too", steps: [ok(1, 5), ok(2, 5), ok(3, 5), added(4)], ids: [2, 3, 4] },
    { name: "for one that is left, too", steps: [ok(1, 5), ok(2, 5), ok(3, 5), left(4, 5)], ids: [2, 3, 4] },
    {
      name: "none for one that is known",
      steps: [ok(1, 5), ok(2, 5), added(3), added(1), ok(2, 5)],
      ids: [1, 2, 3],
    },
  ])("puts out $name", ({ steps, ids }) => {
    expect(idsOf(new TrackerHistory(4, { maxPeers: 3 }).run(...steps))).toEqual(ids);
  });

  it("knows nothing of one that it has put out", () => {
    const history = new TrackerHistory(3, { maxPeers: 1 }).run(ok(1, 5), fail(2, 5), ok(1, 7));
    expect(history.tracker.standings()).toMatchObject([{ successes: 1, latencyMs: 7 }]);
  });

  it("expects of unknown peers what those take that it knows, and not those that it has put out", () => {
    const history = new TrackerHistory(8, { maxPeers: 2 }, { 7: 15 });
    history.run(ok(1, 10_000), left(2, 10_000), added(3), fail(4, 10_000), ok(5, 20), ok(6, 20));
    expect(idsOf(history)).toEqual([5, 6]);
    // Half of 20 ms is ahead of 15.
    const { tracker } = history;
    expect(tracker.compare(history.node(8), history.node(7))).toBe(-1);
    history.run(ok(5, 80), ok(6, 80));
    // Half of 32 ms is not.
    expect(tracker.compare(history.node(8), history.node(7))).toBe(1);
  });
});

describe("a forked tracker", () => {
  it("has the same standings and the same order", () => {
    const history = new TrackerHistory(5).run(fail(1, 8), ...times(300, ok(2, 5, 99)), left(3, 9), added(4));
    const child = history.tracker.fork();
    expect(child.standings()).toEqual(history.tracker.standings());
    expect(history.order(child)).toEqual(history.order());
  });

  it.each([
    { who: "the child", ofParent: false },
    { who: "the parent", ofParent: true },
  ])("does not share what $who learns", ({ ofParent }) => {
    const history = new TrackerHistory(4).run(ok(1, 5), fail(2, 5));
    const parent = history.tracker;
    const child = parent.fork();
    const [told, other] = ofParent ? [parent, child] : [child, parent];
    const before = { standings: other.standings(), order: history.order(other) };
    history.tracker = told;
    history.run(...times(9, fail(1, 500)), ...times(9, ok(2, 2), ok(3, 1)), added(4));
    expect({ standings: other.standings(), order: history.order(other) }).toEqual(before);
    expect(history.order(told)).not.toEqual(before.order);
  });

  it("has its parent's bound, and puts out the same", () => {
    const history = new TrackerHistory(4, { maxPeers: 3 }).run(ok(1, 5), ok(2, 5), ok(3, 5), ok(1, 5));
    history.tracker = history.tracker.fork();
    history.run(ok(4, 5));
    const ids = history.tracker.standings().map(({ node }) => node.id);
    expect(ids.sort((a, b) => a - b)).toEqual([1, 3, 4]);
  });
});
