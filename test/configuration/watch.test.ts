import { byLatency, type Configuration, type WatchOptions } from "quorate";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openDeadlines } from "../../internal/util/deadlines.js";
import { NodeSet } from "../../src/configuration/node-set.js";
import type { PeerNode } from "../../src/configuration/peer-node.js";
import { isSettled } from "../calls/held-cluster.js";
import { checkLeaks } from "../helpers/leaks.js";
import { configurationOf, invalid, testNode } from "./test-nodes.js";

checkLeaks();
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

type Derive = (configuration: Configuration) => Configuration;

/** A loop over the ids that a watch of {1, 2, 3} yields, in single steps. */
function watching(derive: Derive, options: WatchOptions = { intervalMs: 10 }) {
  const values = configurationOf(1, 2, 3).watch(derive, options)[Symbol.asyncIterator]();
  return {
    next: async () => {
      const { done, value } = await values.next();
      return done === true ? "over" : value.ids;
    },
    leave: async () => {
      await values.return?.();
    },
  };
}

/** After enough calls that took so long the estimate is all but that. */
function becomes(node: PeerNode, latencyMs: number): void {
  for (let call = 0; call < 50; call++) node.recordReply(latencyMs);
}

describe("Configuration.watch", () => {
  it("[SW-10] yields what is derived at once, before the first tick", async () => {
    const { next, leave } = watching((configuration) => configuration.without(1));
    const from = performance.now();
    expect(await next()).toEqual([2, 3]);
    expect(performance.now()).toBe(from);
    await leave();
  });

  it("[SW-11] yields nothing more while the result is the same", async () => {
    let looks = 0;
    const { next, leave } = watching((configuration) => {
      looks += 1;
      return configuration.take(2);
    });
    expect(await next()).toEqual([1, 2]);
    const second = next();
    await vi.advanceTimersByTimeAsync(100);
    // Ticks have a grain of 4 ms.
    expect(looks).toBeGreaterThan(7);
    expect(looks).toBeLessThanOrEqual(11);
    expect(await isSettled(second)).toBe(false);
    await leave();
    expect(await second).toBe("over");
  });

  it("[SW-12] yields a set whose order has changed, within five intervals", async () => {
    const [first, second, third] = [10, 30, 20].map((ms, at) => testNode(at + 1, { latenciesMs: [ms] }));
    if (first === undefined || second === undefined || third === undefined) throw new Error("three nodes");
    const watched = new NodeSet([first, second, third]).watch((nodes) => nodes.sortBy(byLatency).take(2), {
      intervalMs: 20,
    });
    const fastest = watched[Symbol.asyncIterator]();
    expect((await fastest.next()).value).toMatchObject({ ids: [1, 3] });
    becomes(first, 40);
    becomes(second, 5);
    const swapped = fastest.next();
    await vi.advanceTimersByTimeAsync(5 * 20);
    expect(await isSettled(swapped)).toBe(true);
    expect((await swapped).value).toMatchObject({ ids: [2, 3] });
    becomes(third, 1);
    const reordered = fastest.next();
    await vi.advanceTimersByTimeAsync(5 * 20);
    expect((await reordered).value).toMatchObject({ ids: [3, 2] });
    await fastest.return?.();
  });

  it("[SW-13] ends at once when the signal ends, and leaves no timer", async () => {
    const controller = new AbortController();
    const { next } = watching((configuration) => configuration, {
      intervalMs: 3_600_000,
      signal: controller.signal,
    });
    expect(await next()).toEqual([1, 2, 3]);
    const waiting = next();
    expect(openDeadlines()).toBe(1);
    controller.abort();
    expect(await waiting).toBe("over");
    expect(await next()).toBe("over");
    expect(openDeadlines()).toBe(0);
  });

  it("ends when the signal ended while nobody waited, or before it began", async () => {
    const controller = new AbortController();
    const options = { intervalMs: 10, signal: controller.signal };
    const begun = watching((configuration) => configuration, options);
    const unread = watching((configuration) => configuration, options);
    expect(await begun.next()).toEqual([1, 2, 3]);
    controller.abort();
    expect(await begun.next()).toBe("over");
    expect(await unread.next()).toBe("over");
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, "10", undefined])(
    "[SW-14] refuses an interval of %s",
    (intervalMs) => {
      const options = { intervalMs } as WatchOptions;
      expect(() => configurationOf(1).watch((configuration) => configuration, options)).toThrow(
        invalid("quorate: Watch interval must be positive"),
      );
    },
  );

  it.each([undefined, null, "byId"])("[SW-14] refuses %s as derive", (derive) => {
    expect(() => configurationOf(1).watch(derive as unknown as Derive, { intervalMs: 10 })).toThrow(
      invalid("quorate: Watch derive function must be a function"),
    );
  });

  it("[W-21] gives a slow reader the newest set, and no older one after it", async () => {
    let size = 3;
    const { next, leave } = watching((configuration) => configuration.take(size));
    expect(await next()).toEqual([1, 2, 3]);
    for (size of [2, 1, 0]) await vi.advanceTimersByTimeAsync(50);
    expect(await next()).toEqual([]);
    const more = next();
    await vi.advanceTimersByTimeAsync(100);
    expect(await isSettled(more)).toBe(false);
    await leave();
  });

  it("looks no more and has no timer while nobody waits", async () => {
    let looks = 0;
    const { next, leave } = watching((configuration) => {
      looks += 1;
      return configuration.take(looks);
    });
    expect(await next()).toEqual([1]);
    await vi.advanceTimersByTimeAsync(100);
    expect(looks).toBe(1);
    expect(openDeadlines()).toBe(0);
    // A tick has passed, so that the next look is due.
    expect(await next()).toEqual([1, 2]);
    const waiting = next();
    await vi.advanceTimersByTimeAsync(4);
    expect(looks).toBe(2);
    expect(openDeadlines()).toBe(1);
    await leave();
    expect(openDeadlines()).toBe(0);
    expect(await waiting).toBe("over");
  });

  it("is a watch of its own in every loop", async () => {
    const watched = configurationOf(1, 2).watch((configuration) => configuration, { intervalMs: 10 });
    for (const loop of [watched, watched]) {
      for await (const { ids } of loop) {
        expect(ids).toEqual([1, 2]);
        break;
      }
    }
  });

  it("ends with what derive throws, and with InvalidArgument if it returns no configuration", async () => {
    const broken = watching(() => {
      throw new Error("broken derive");
    });
    await expect(broken.next()).rejects.toThrow("broken derive");
    expect(await broken.next()).toBe("over");
    const wrong = watching(() => [1, 2] as unknown as Configuration);
    await expect(wrong.next()).rejects.toEqual(invalid("this is no configuration"));
    expect(await wrong.next()).toBe("over");
  });
});
