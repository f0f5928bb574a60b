import { Code } from "quorate";
import { contextKey, contextSession } from "quorate/context";
import { describe, expect, it } from "vitest";
import { invalid, testNode } from "../configuration/test-nodes.js";

// oxlint-disable-next-line typescript/unbound-method -- They need no object.
const { begin, get, getOrSet, set } = contextSession;

describe("a value of a session", () => {
  it("is found by its key, wherever the session goes, and by no other key of that name", async () => {
    const color = contextKey<string>("color");
    await begin(async (session) => {
      expect(get(color)).toBeUndefined();
      set(color, "red");
      await Promise.resolve();
      expect(get(color)).toBe("red");
      expect(session.get(color)).toBe("red");
      expect(get(contextKey<string>("color"))).toBeUndefined();
      session.set(color, "blue");
      expect(get(color)).toBe("blue");
    });
    expect(get(color)).toBeUndefined();
  });

  it("may be undefined, and counts", () => {
    begin(
      () => {
        set(contextKey<undefined>("nothing"), undefined);
        expect(() => set(contextKey<number>("another"), 1)).toThrow("1 values already");
      },
      { maxValues: 1 },
    );
  });

  it("is made once where it is missing, and outside of any session each time, to be kept nowhere", () => {
    const list = contextKey<string[]>("list");
    begin((session) => {
      getOrSet(list, () => []).push("a");
      session.getOrSet(list, () => []).push("b");
      expect(get(list)).toEqual(["a", "b"]);
    });
    getOrSet(list, () => []).push("c");
    expect(getOrSet(list, () => [])).toEqual([]);
    expect(get(list)).toBeUndefined();
  });

  it("that was set to undefined is not made again", () => {
    const nothing = contextKey<undefined>("nothing");
    let made = 0;
    begin(() => {
      for (let times = 0; times < 2; times++) getOrSet(nothing, () => void (made += 1));
    });
    expect(made).toBe(1);
  });

  it("cannot be set outside of any session", () => {
    const missing = expect.objectContaining({
      code: Code.FailedPrecondition,
      reason: "NO_CONTEXT_SESSION",
      message: expect.stringContaining('quorate: "color"') as string,
    });
    expect(() => set(contextKey<string>("color"), "red")).toThrow(missing);
  });

  it.each([
    { maxValues: 2, options: { maxValues: 2 } },
    { maxValues: 256, options: {} },
  ])(
    "is refused beyond maxValues, $maxValues; one that is there can be set anew",
    ({ maxValues, options }) => {
      const full = expect.objectContaining({
        code: Code.ResourceExhausted,
        reason: "CONTEXT_VALUES_FULL",
        message: expect.stringMatching(/^quorate: .*maxValues.*"one more"/) as string,
      });
      begin((session) => {
        const keys = Array.from({ length: maxValues }, (_, at) => contextKey<number>(`key ${at}`));
        for (const [at, key] of keys.entries()) set(key, at);
        const oneMore = contextKey<number>("one more");
        expect(() => set(oneMore, 1)).toThrow(full);
        expect(() => session.set(oneMore, 1)).toThrow(full);
        expect(get(oneMore)).toBeUndefined();
        for (const key of keys) set(key, -1);
        expect(keys.map((key) => get(key))).toEqual(keys.map(() => -1));
      }, options);
    },
  );
});

describe("addPeer", () => {
  it("remembers a peer that was not used yet", () => {
    begin((session) => {
      const node = testNode(1);
      session.addPeer(node);
      session.addPeer(node);
      expect(session.peers()).toEqual([
        { node, successes: 0, failures: 0, unanswered: 0, latencyMs: undefined, lastUsedMs: undefined },
      ]);
    });
  });

  it("remembers maxPeers of them", () => {
    begin((session) => {
      for (let id = 1; id <= 1_100; id++) session.addPeer(testNode(id));
      const ids = session.peers().map(({ node }) => node.id);
      expect(ids).toHaveLength(1_024);
      expect(Math.min(...ids)).toBe(77);
    });
  });

  it.each([undefined, null, 1, "127.0.0.1:9081", { id: 1, address: "127.0.0.1:9081" }])(
    "refuses %o",
    (node) => {
      begin((session) => {
        expect(() => session.addPeer(node as never)).toThrow(invalid("only a node"));
        expect(session.peers()).toEqual([]);
      });
    },
  );
});
