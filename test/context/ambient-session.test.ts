import { type ContextSession, contextKey, contextSession } from "quorate/context";
import { afterEach, describe, expect, it } from "vitest";
import { anyScopeOpen } from "../../internal/util/async-scope.js";
import { invalid, testNode } from "../configuration/test-nodes.js";
import { checkLeaks } from "../helpers/leaks.js";
import { turn } from "../helpers/turn.js";
import { failOnUnhandled } from "../helpers/unhandled.js";

checkLeaks();
failOnUnhandled();

afterEach(() => {
  if (anyScopeOpen()) throw new Error("the test left a session open");
});

// oxlint-disable-next-line typescript/unbound-method -- They need no object.
const { begin, fork, leave, current, get, set } = contextSession;
const color = contextKey<string>("color");
const nodes = [1, 2, 3].map((id) => testNode(id));
const [first, second] = nodes as [(typeof nodes)[0], (typeof nodes)[0]];

const idsOf = (session: ContextSession): number[] => session.peers().map(({ node }) => node.id);

describe("begin", () => {
  it("runs synchronous work in a session, and returns what it returns", () => {
    const returned = begin((session) => {
      expect(current()).toBe(session);
      expect(session.isOpen).toBe(true);
      return { session };
    });
    expect(returned.session.isOpen).toBe(false);
  });

  it("runs asynchronous work in a session until its promise is settled", async () => {
    let begun: ContextSession | undefined;
    const work = begin(async (session) => {
      begun = session;
      await turn();
      expect(current()).toBe(session);
      await Promise.resolve();
      expect(session.isOpen).toBe(true);
      return 5;
    });
    // Where it was begun, the session is not.
    expect(current()).toBeUndefined();
    expect(begun?.isOpen).toBe(true);
    expect(await work).toBe(5);
    expect(begun?.isOpen).toBe(false);
    expect(current()).toBeUndefined();
  });

  it("joins the session that it is in, which goes on afterwards", async () => {
    await begin(async (outer) => {
      for (const inner of [begin((one) => one), await begin(async (one) => one)]) {
        expect(inner).toBe(outer);
        expect(outer.isOpen).toBe(true);
      }
      expect(() =>
        begin(() => {
          throw new RangeError("no");
        }),
      ).toThrow("no");
      await expect(begin(() => Promise.reject(new RangeError("no")))).rejects.toThrow("no");
      expect(current()).toBe(outer);
      expect(outer.isOpen).toBe(true);
    });
  });

  it("does not look at the options where it joins", async () => {
    await begin(
      async (outer) => {
        const ended = AbortSignal.abort();
        const inner = begin((one) => one, {
          signal: ended,
          maxValues: 0,
          maxPeers: -1,
          halfLifeMs: Number.NaN,
        });
        expect(inner).toBe(outer);
        expect(outer.isOpen).toBe(true);
        set(color, "red");
        expect(() => set(contextKey("another"), 1)).toThrow("maxValues");
      },
      { maxValues: 1 },
    );
  });

  it("begins a session each time, of which none knows of the others", async () => {
    const sessions = await Promise.all(
      ["red", "blue"].map((value) =>
        begin(async (session) => {
          set(color, value);
          await turn();
          expect(get(color)).toBe(value);
          return session;
        }),
      ),
    );
    expect(new Set(sessions).size).toBe(2);
    begin(() => expect(get(color)).toBeUndefined());
  });
});

describe("fork", () => {
  it("begins with what its parent knows and has, and gives nothing back", () => {
    begin((parent) => {
      parent.addPeer(first);
      set(color, "red");
      fork((child) => {
        expect(child).not.toBe(parent);
        expect(current()).toBe(child);
        expect(idsOf(child)).toEqual([1]);
        expect(get(color)).toBe("red");
        child.addPeer(second);
        set(color, "blue");
        set(contextKey("another"), 1);
      });
      expect(current()).toBe(parent);
      expect(parent.isOpen).toBe(true);
      expect(get(color)).toBe("red");
      expect(idsOf(parent)).toEqual([1]);
    });
  });

  it("does not see what its parent learns afterwards", async () => {
    await begin(async (parent) => {
      const forked = fork(async (child) => {
        await turn();
        expect(get(color)).toBeUndefined();
        expect(idsOf(child)).toEqual([]);
      });
      set(color, "red");
      parent.addPeer(first);
      await forked;
    });
  });

  it("goes on when its parent has ended", async () => {
    const { child } = begin((parent) => {
      parent.addPeer(first);
      set(color, "red");
      const forked = fork(async (session) => {
        await turn();
        expect(parent.isOpen).toBe(false);
        expect(current()).toBe(session);
        session.addPeer(second);
        set(contextKey("another"), 1);
        return { color: get(color), ids: idsOf(session) };
      });
      return { child: forked };
    });
    expect(await child).toEqual({ color: "red", ids: [1, 2] });
  });

  it("has its parent's bounds, whatever its options say", () => {
    const options = { maxValues: 1, maxPeers: 1 };
    begin(() => {
      fork(
        (child) => {
          set(color, "red");
          expect(() => set(contextKey("another"), 1)).toThrow("maxValues");
          child.addPeer(first);
          child.addPeer(second);
          expect(idsOf(child)).toEqual([2]);
        },
        { maxValues: 5, maxPeers: 5 },
      );
    }, options);
  });

  it("outside of any session is as begin", () => {
    const forked = fork(
      (session) => {
        expect(current()).toBe(session);
        set(color, "red");
        expect(() => set(contextKey("another"), 1)).toThrow("maxValues");
        return session;
      },
      { maxValues: 1 },
    );
    expect(forked.isOpen).toBe(false);
  });
});

describe("leave", () => {
  it("runs work outside of any session, also within a begin within a fork", async () => {
    await begin(async (outer) => {
      await fork(async (forked) => {
        await begin(async (joined) => {
          expect(joined).toBe(forked);
          const left = await leave(async () => {
            expect(current()).toBeUndefined();
            expect(get(color)).toBeUndefined();
            await turn();
            return current();
          });
          expect(left).toBeUndefined();
          expect(current()).toBe(forked);
        });
      });
      expect(current()).toBe(outer);
    });
  });

  it("lets another session begin, which knows nothing of the one that was left", async () => {
    await begin(async (outer) => {
      set(color, "red");
      await leave(() =>
        begin(async (other) => {
          expect(other).not.toBe(outer);
          expect(get(color)).toBeUndefined();
          set(color, "blue");
          await turn();
          expect(current()).toBe(other);
        }),
      );
      expect(get(color)).toBe("red");
    });
  });

  it("outside of any session only runs the work", () => {
    expect(leave(() => current() ?? "none")).toBe("none");
    expect(() =>
      leave(() => {
        throw new RangeError("no");
      }),
    ).toThrow("no");
  });
});

describe("a session that cannot begin", () => {
  const never = () => {
    throw new Error("the work was run");
  };
  it.each([
    ["maxPeers", 0],
    ["maxPeers", 1.5],
    ["maxPeers", "5"],
    ["maxValues", 0],
    ["maxValues", Number.POSITIVE_INFINITY],
    ["halfLifeMs", 0],
    ["halfLifeMs", -1],
    ["halfLifeMs", Number.NaN],
    ["halfLifeMs", 2 ** 31],
    ["signal", {}],
    ["signal", null],
  ])("because %s is %s says so, and leaves no scope open", (option, value) => {
    for (const start of [begin, fork]) {
      expect(() => start(never, { [option]: value })).toThrow(invalid(option));
      expect(anyScopeOpen()).toBe(false);
    }
  });

  it("because its signal is none leaves the session open from which it is forked", () => {
    begin((parent) => {
      expect(() => fork(never, { signal: {} as never })).toThrow(invalid("signal"));
      expect(parent.isOpen).toBe(true);
    });
  });

  it("because there is no work leaves no scope open", () => {
    expect(() => begin(undefined as never)).toThrow(TypeError);
    expect(anyScopeOpen()).toBe(false);
  });
});
