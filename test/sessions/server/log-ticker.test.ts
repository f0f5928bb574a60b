import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { logUnavailable } from "../../../src/sessions/commit-log/log-errors.js";
import type { Entry } from "../../../src/sessions/record/log-record.js";
import { LogTicker } from "../../../src/sessions/server/log-ticker.js";
import type { ProposalListener } from "../../../src/sessions/server/session-log-types.js";
import type { Effect } from "../../../src/sessions/table/effect.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { TestTable } from "../table/test-table.js";

const limits = {
  tickMs: 1_000,
  guardTimeoutMs: 1_500,
  idleTimeoutMs: 5_000,
  maxSessions: 10_000,
  maxSessionsPerUser: 10_000,
};

/** A ticker over a table; the test is the log. */
function openTicker() {
  const test = new TestTable(limits);
  const proposed: { readonly entry: Entry; readonly listener: ProposalListener }[] = [];
  const ticker = new LogTicker({
    table: () => test.table,
    propose: (entry, listener) => proposed.push({ entry, listener }),
  });
  const take = () => proposed.splice(0);
  /** Applies an entry of anybody. */
  const put = (entry: Entry): Effect => {
    const effect = test.put(entry);
    ticker.applied(effect);
    return effect;
  };
  /** Applies what was proposed. */
  const apply = ({ entry, listener }: ReturnType<typeof take>[number]): Effect => {
    const effect = test.put(entry);
    listener.applied(effect, test.table);
    ticker.applied(effect);
    return effect;
  };
  const tick = () => put({ kind: "tick", previousOp: test.table.tickOp });
  return { test, ticker, take, put, apply, tick };
}

const kindsOf = (proposals: readonly { readonly entry: Entry }[]) => proposals.map(({ entry }) => entry.kind);

describe("LogTicker", () => {
  checkLeaks();
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("names the last tick, and counts from the one that was applied here, whoever proposed it", () => {
    const { test, ticker, take, tick } = openTicker();
    test.open(1);
    ticker.start();
    vi.advanceTimersByTime(900);
    tick();
    vi.advanceTimersByTime(995);
    expect(take()).toEqual([]);
    vi.advanceTimersByTime(10);
    expect(take().map(({ entry }) => entry)).toEqual([{ kind: "tick", previousOp: test.table.tickOp }]);
    ticker.stop();
  });

  it("is not put off by a tick that does not count", () => {
    const { test, ticker, take, put } = openTicker();
    test.open(1);
    ticker.start();
    vi.advanceTimersByTime(900);
    expect(put({ kind: "tick", previousOp: 1 })).toMatchObject({ why: "stale" });
    vi.advanceTimersByTime(110);
    expect(kindsOf(take())).toEqual(["tick"]);
    ticker.stop();
  });

  it("begins with the first session, and ends with the last", () => {
    const { test, ticker, take, put } = openTicker();
    ticker.start();
    vi.advanceTimersByTime(5_000);
    expect(take()).toEqual([]);
    ticker.applied(test.register(1));
    vi.advanceTimersByTime(990);
    expect(take()).toEqual([]);
    vi.advanceTimersByTime(20);
    expect(kindsOf(take())).toEqual(["tick"]);
    put({ kind: "unregister", client: test.present(1).client, session: test.present(1).session });
    vi.advanceTimersByTime(5_000);
    expect(take()).toEqual([]);
    // Nothing is scheduled: the leak check would see it.
  });

  it("proposes one tick at a time, and after a failure the next when it would be due", () => {
    const { test, ticker, take } = openTicker();
    test.open(1);
    ticker.start();
    vi.advanceTimersByTime(5_000);
    const [first, ...more] = take();
    expect(more).toEqual([]);
    first?.listener.failed(logUnavailable("no leader"), "unknown");
    expect(take()).toEqual([]);
    vi.advanceTimersByTime(1_010);
    expect(kindsOf(take())).toEqual(["tick"]);
    ticker.stop();
  });

  it("proposes each end once while it is under way, again at the tick after it failed, and not at once", () => {
    const { test, ticker, take, tick, apply } = openTicker();
    test.open(1);
    test.open(2);
    ticker.start();
    for (let at = 0; at < 6; at++) tick();
    const expires = take();
    expect(kindsOf(expires)).toEqual(["expire", "expire"]);
    tick();
    expect(take()).toEqual([]);
    expires[0]?.listener.failed(logUnavailable("no leader"), "not-appended");
    expect(take()).toEqual([]);
    tick();
    const again = take();
    expect(again.map(({ entry }) => entry)).toEqual([expires[0]?.entry]);
    for (const each of [...expires.slice(1), ...again]) expect(apply(each).kind).toBe("expired");
    expect(test.table.size).toBe(0);
    tick();
    expect(take()).toEqual([]);
  });

  it("has a bound of what is under way, and the rest has its turn at the next tick; verdicts go first", () => {
    const { test, ticker, take, tick, apply } = openTicker();
    for (let client = 1; client <= 1_500; client++) test.open(client);
    const intent = test.openIntent(1, 1);
    ticker.start();
    for (let at = 0; at < 6; at++) tick();
    const first = take();
    expect(first).toHaveLength(1_024);
    expect(first[0]?.entry).toEqual({ kind: "verdict", intentOp: intent });
    tick();
    expect(take()).toEqual([]);
    for (const each of first) apply(each);
    expect(take()).toEqual([]);
    tick();
    expect(kindsOf(take())).toHaveLength(1_500 - 1_023);
    ticker.stop();
  });

  it("proposes verdicts at once when a server came up anew, and when it starts itself", () => {
    const { test, ticker, take, put } = openTicker();
    test.open(1);
    ticker.start();
    const first = test.openIntent(1, 1, { serverId: "gone" });
    put({ kind: "serverUp", serverId: "other" });
    expect(take()).toEqual([]);
    put({ kind: "serverUp", serverId: "gone" });
    expect(take().map(({ entry }) => entry)).toEqual([{ kind: "verdict", intentOp: first }]);
    ticker.stop();
    const second = test.openIntent(1, 2, { serverId: "gone" });
    test.put({ kind: "serverUp", serverId: "gone" });
    ticker.applied({ kind: "serverUp", op: 1, serverId: "gone", left: [...test.table.intents()] });
    expect(take()).toEqual([]);
    ticker.start();
    expect(take().map(({ entry }) => entry)).toEqual([{ kind: "verdict", intentOp: second }]);
    ticker.stop();
  });
});
