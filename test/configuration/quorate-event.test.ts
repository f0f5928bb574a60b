import type { QuorateEvent } from "quorate";
import { afterEach, describe, expect, it, vi } from "vitest";
import { EventHub } from "../../src/configuration/quorate-event.js";

const lateReply: QuorateEvent = { kind: "lateReply", nodeId: 1, method: "a.B.C" };

describe("EventHub", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it("counts what it tells, also with nobody to tell", () => {
    const told: QuorateEvent[] = [];
    const hub = new EventHub((event) => told.push(event));
    const silent = new EventHub(undefined);
    for (const one of [hub, silent]) {
      one.emit(lateReply);
      one.emit(lateReply);
      one.emit({ kind: "limitReached", limit: "sendQueue", nodeId: undefined });
    }
    expect(told).toHaveLength(3);
    expect(hub.counters).toEqual(silent.counters);
    expect(hub.counters).toMatchObject({ lateReply: 2, limitReached: 1, streamOpened: 0, callbackFailed: 0 });
    expect(hub.counters.limits).toMatchObject({ sendQueue: 1, requestQueue: 0 });
  });

  it("hands out counters that do not change", () => {
    const hub = new EventHub(undefined);
    const before = hub.counters;
    hub.emit(lateReply);
    expect(before.lateReply).toBe(0);
  });

  it("makes what a callback throws an event", () => {
    const told: QuorateEvent[] = [];
    const hub = new EventHub((event) => told.push(event));
    const error = new Error("broken callback");
    hub.guard("onPeersChange", () => {
      throw error;
    });
    expect(told).toEqual([{ kind: "callbackFailed", callback: "onPeersChange", error }]);
    expect(hub.counters.callbackFailed).toBe(1);
  });

  it("survives a listener that throws, with a warning", () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    const hub = new EventHub(() => {
      throw new Error("broken listener");
    });
    hub.emit(lateReply);
    expect(hub.counters).toMatchObject({ lateReply: 1, callbackFailed: 1 });
    expect(warn).toHaveBeenCalledExactlyOnceWith("quorate: onEvent threw: Error: broken listener");
  });
});
