import { createClient } from "quorate";
import { type ContextSession, contextSession, trackPeers } from "quorate/context";
import { describe, expect, it } from "vitest";
import { type HeldCluster, holdingCluster, rejectionOf } from "../calls/held-cluster.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { failOnUnhandled } from "../helpers/unhandled.js";
import { answered, countsOf, failed, unanswered } from "./peer-counts.js";

checkLeaks();
failOnUnhandled();

function clientOf(servers: HeldCluster) {
  return createClient(Test, servers.client, { interceptors: [trackPeers()] });
}

interface EndRow {
  readonly name: string;
  readonly end: (servers: HeldCluster, signal: AbortSignal, abort: () => void) => Promise<unknown>;
  readonly counts: Record<number, string>;
}

/** Quorum calls whose servers answer by hand. */
const ends: readonly EndRow[] = [
  {
    name: "a majority is there: who is left behind is unanswered",
    end: async (servers) => {
      const majority = clientOf(servers).echoQC({}).majority();
      await servers.answer(3, 1);
      return majority;
    },
    counts: { 1: answered, 2: unanswered, 3: answered },
  },
  {
    name: "the first is there",
    end: async (servers) => {
      const first = clientOf(servers).echoQC({}).first();
      await servers.answer(2);
      return first;
    },
    counts: { 1: unanswered, 2: answered, 3: unanswered },
  },
  {
    name: "the loop over the responses is left",
    end: async (servers) => {
      const responses = clientOf(servers).echoQC({});
      await servers.answer(2);
      for await (const response of responses) if (response.ok) break;
    },
    counts: { 1: unanswered, 2: answered, 3: unanswered },
  },
  {
    name: "a correctable has its target",
    end: async (servers) => {
      const correctable = clientOf(servers).echoQC({}).correctable(2);
      await servers.answer(2, 3);
      return correctable.result();
    },
    counts: { 1: unanswered, 2: answered, 3: answered },
  },
  {
    name: "its deadline has passed: that is a failure",
    end: async (servers) => {
      const all = clientOf(servers).echoQC({}, { timeoutMs: 60 }).all();
      await servers.answer(2);
      return rejectionOf(all);
    },
    counts: { 1: failed, 2: answered, 3: failed },
  },
  {
    name: "the caller has canceled it: that is none",
    end: async (servers, signal, abort) => {
      const first = clientOf(servers).echoQC({}, { signal });
      const all = first.all();
      await servers.answer(2);
      await first.collect(1);
      abort();
      return rejectionOf(all);
    },
    counts: { 1: unanswered, 2: answered, 3: unanswered },
  },
];

describe("what a session counts of a quorum call", () => {
  it.each(ends)("when $name", async ({ end, counts }) => {
    await using servers = await holdingCluster(3);
    const controller = new AbortController();
    await contextSession.begin(async (session) => {
      await end(servers, controller.signal, () => controller.abort());
      expect(countsOf(session)).toEqual(counts);
    });
  });

  it("says of those that did not answer that they take at least twice as long as was waited", async () => {
    await using servers = await holdingCluster(3);
    await contextSession.begin(async (session) => {
      const majority = clientOf(servers).echoQC({}).majority();
      await servers.answer(3, 1);
      await majority;
      const [quick, , slow] = session.peers().map(({ latencyMs = 0 }) => latencyMs);
      expect(session.peers().at(-1)?.node.id).toBe(2);
      expect(slow).toBeGreaterThan(quick ?? Number.POSITIVE_INFINITY);
    });
  });
});

describe("what a session counts of a call with one reply", () => {
  it("is a failure at its deadline, and nothing but time if it was canceled", async () => {
    await using servers = await holdingCluster(2);
    const interceptors = [trackPeers()];
    const controller = new AbortController();
    await contextSession.begin(async (session) => {
      const { client } = servers;
      const late = createClient(Test, client.node(1), { interceptors }).echoRPC({}, { timeoutMs: 40 });
      const { signal } = controller;
      const left = createClient(Test, client.node(2), { interceptors }).echoRPC({}, { signal });
      await servers.next(2);
      controller.abort();
      await Promise.all([rejectionOf(late), rejectionOf(left)]);
      expect(countsOf(session)).toEqual({ 1: failed, 2: unanswered });
    });
  });
});

describe("what a session counts of a call with many replies", () => {
  it("is the first reply of each node; who has none when the loop is left is unanswered", async () => {
    await using servers = await holdingCluster(3);
    await contextSession.begin(async (session) => {
      const responses = clientOf(servers).echoCorrectable({});
      await servers.answer(2);
      for await (const _ of responses) break;
      expect(countsOf(session)).toEqual({ 1: unanswered, 2: answered, 3: unanswered });
    });
  });

  it("is one success and one failure of a node whose stream of replies breaks", async () => {
    await using servers = await holdingCluster(2);
    const test = createClient(Test, servers.client, { interceptors: [trackPeers()] });
    await contextSession.begin(async (session) => {
      const call = test.echoCorrectable({}, { timeoutMs: 60 });
      await servers.answer(1);
      await call.collect();
      // Node 1 has ended its replies in order.
      expect(countsOf(session)).toEqual({ 1: answered, 2: failed });
    });
  });
});

describe("a call that outlives its session", () => {
  it.each<{ name: string; start: (servers: HeldCluster, signal: AbortSignal) => Promise<unknown> }>([
    { name: "is answered", start: (servers) => clientOf(servers).echoQC({}).all() },
    { name: "is left", start: (servers) => clientOf(servers).echoQC({}).first() },
    {
      name: "is canceled",
      start: (servers, signal) => rejectionOf(clientOf(servers).echoQC({}, { signal }).all()),
    },
  ])("that $name is not counted", async ({ name, start }) => {
    await using servers = await holdingCluster(2);
    const controller = new AbortController();
    let ended: ContextSession | undefined;
    const call = contextSession.begin((session) => {
      ended = session;
      // An object, so that the session does not wait for the call.
      return { settled: start(servers, controller.signal) };
    });
    await eventually(() => servers.held(1).length === 1 && servers.held(2).length === 1);
    expect(ended?.isOpen).toBe(false);
    // Another session is open meanwhile, and it is not the one that called.
    await contextSession.begin(async (other) => {
      if (name === "is canceled") controller.abort();
      else await servers.answer(...(name === "is left" ? [1] : [1, 2]));
      await call.settled;
      expect(countsOf(other)).toEqual({});
    });
    expect(ended?.peers()).toEqual([]);
  });
});
