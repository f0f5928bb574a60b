import { AsyncLocalStorage } from "node:async_hooks";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  anyScopeOpen,
  currentScope,
  openScope,
  outsideScopes,
  runInScope,
} from "../../internal/util/async-scope.js";
import { turn } from "../helpers/turn.js";

const uses = vi.spyOn(AsyncLocalStorage.prototype, "run");
const looks = vi.spyOn(AsyncLocalStorage.prototype, "getStore");
const releases = vi.spyOn(AsyncLocalStorage.prototype, "disable");

beforeEach(() => {
  vi.clearAllMocks();
});

afterEach(() => {
  if (anyScopeOpen()) throw new Error("the test left a scope open");
});

const boom = new RangeError("boom");

/** Runs work in a scope that is open meanwhile. */
async function within<Result>(scope: object, work: () => Result | Promise<Result>): Promise<Result> {
  const close = openScope();
  try {
    return await runInScope(scope, work);
  } finally {
    close();
  }
}

describe("the scope of work", () => {
  it("goes along with what the work awaits and starts", async () => {
    const scope = {};
    await within(scope, async () => {
      expect(currentScope()).toBe(scope);
      await turn();
      expect(currentScope()).toBe(scope);
      expect(await new Promise((resolve) => setImmediate(() => resolve(currentScope())))).toBe(scope);
    });
    expect(currentScope()).toBeUndefined();
  });

  it("is the innermost one", async () => {
    const [outer, inner] = [{}, {}];
    await within(outer, async () => {
      await within(inner, () => expect(currentScope()).toBe(inner));
      expect(currentScope()).toBe(outer);
    });
  });

  it("is another one for each work, also where they take turns", async () => {
    const scopes = Array.from({ length: 10 }, () => ({}));
    const seen = await Promise.all(
      scopes.map((scope) =>
        within(scope, async () => {
          await turn();
          return currentScope();
        }),
      ),
    );
    expect(seen.map((scope) => scopes.indexOf(scope ?? {}))).toEqual(scopes.map((_, at) => at));
  });

  it("stays known to what it left behind as long as another scope is open, and no longer", async () => {
    const left = {};
    const closeOther = openScope();
    let seen: unknown[] = [];
    const done = await within(left, () => ({
      detached: (async () => {
        await turn();
        seen = [currentScope()];
        closeOther();
        seen.push(currentScope());
      })(),
    }));
    await done.detached;
    expect(seen).toEqual([left, undefined]);
  });
});

describe("outsideScopes", () => {
  it.each([
    { where: "in a scope", run: <R>(work: () => R) => within({}, work) },
    { where: "outside of any", run: async <R>(work: () => R) => work() },
  ])("runs work outside of any scope, with its arguments: $where", async ({ run }) => {
    await run(async () => {
      const before = currentScope();
      const work = async (...args: readonly number[]) => {
        expect(currentScope()).toBeUndefined();
        await turn();
        expect(currentScope()).toBeUndefined();
        return args;
      };
      expect(await outsideScopes(work, 1, 2)).toEqual([1, 2]);
      expect(() =>
        outsideScopes(() => {
          throw boom;
        }),
      ).toThrow(boom);
      expect(currentScope()).toBe(before);
    });
  });
});

describe("the storage of scopes", () => {
  it("is neither used nor looked at while no scope is open", async () => {
    expect(outsideScopes((value: number) => value, 5)).toBe(5);
    expect(currentScope()).toBeUndefined();
    await turn();
    expect(anyScopeOpen()).toBe(false);
    expect([uses, looks, releases].map(({ mock }) => mock.calls.length)).toEqual([0, 0, 0]);
  });

  it("is let go of when the last scope is closed, and not before", () => {
    const closes = [openScope(), openScope(), openScope()];
    closes[1]?.();
    closes[0]?.();
    // A scope that is closed twice is no other one.
    closes[0]?.();
    expect(anyScopeOpen()).toBe(true);
    expect(releases).not.toHaveBeenCalled();
    closes[2]?.();
    expect(anyScopeOpen()).toBe(false);
    expect(releases).toHaveBeenCalledTimes(1);
    for (const close of closes) close();
    expect(anyScopeOpen()).toBe(false);
    const close = openScope();
    expect(anyScopeOpen()).toBe(true);
    close();
  });

  it("is not taken up again by work in a scope that was closed before", async () => {
    openScope()();
    const scope = {};
    const work = async () => {
      expect(currentScope()).toBeUndefined();
      await turn();
      return currentScope();
    };
    expect(await runInScope(scope, work)).toBeUndefined();
    expect(uses).not.toHaveBeenCalled();
  });

  it("is there again for the next scope", async () => {
    for (const scope of [{}, {}]) {
      await within(scope, async () => {
        await turn();
        expect(currentScope()).toBe(scope);
      });
    }
    expect(releases).toHaveBeenCalledTimes(2);
  });
});
