import { type ContextSession, contextSession } from "quorate/context";
import { afterEach, describe, expect, it } from "vitest";
import { anyScopeOpen } from "../../internal/util/async-scope.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { turn } from "../helpers/turn.js";

checkLeaks();

afterEach(() => {
  if (anyScopeOpen()) throw new Error("the test left a session open");
});

// oxlint-disable-next-line typescript/unbound-method -- They need no object.
const { begin, fork, current } = contextSession;

/** A query that is run by its `then`, each time; as an object, or as a function with a `then`. */
function lazyQuery(isCallable: boolean) {
  const runs: (ContextSession | undefined)[] = [];
  const query: PromiseLike<string> = {
    // biome-ignore lint/suspicious/noThenProperty: that is what it is about.
    // oxlint-disable-next-line unicorn/no-thenable -- That is what it is about.
    then: (...told) => {
      runs.push(current());
      return turn()
        .then(() => {
          runs.push(current());
          return "rows";
        })
        .then(...told);
    },
  };
  return { runs, query: isCallable ? Object.assign(() => {}, query) : query };
}

const starts: readonly { how: string; start: typeof begin }[] = [
  { how: "begin", start: begin },
  { how: "fork", start: fork },
  { how: "begin that joins", start: ((work: () => unknown) => begin(() => begin(work))) as typeof begin },
];

describe.each(starts)("a thenable from the work of $how", ({ start }) => {
  it.each([false, true])("is run once, and within the session (callable: %s)", async (isCallable) => {
    const { query, runs } = lazyQuery(isCallable);
    let session: ContextSession | undefined;
    const result = start((one) => {
      session = one;
      return query;
    });
    expect(result).toBeInstanceOf(Promise);
    expect(session?.isOpen).toBe(true);
    expect([await result, await result]).toEqual(["rows", "rows"]);
    // It was in the session when it began, and when it went on.
    expect(runs).toEqual([session, session]);
    expect(session?.isOpen).toBe(false);
  });

  it("is run also if nobody waits for it", async () => {
    const { query, runs } = lazyQuery(false);
    void start(() => query);
    await eventually(() => runs.length === 2);
    expect(runs).not.toContain(undefined);
    await eventually(() => !anyScopeOpen());
  });

  it("whose `then` throws is a rejection, which ends the session", async () => {
    const failing = {
      // biome-ignore lint/suspicious/noThenProperty: that is what it is about.
      // oxlint-disable-next-line unicorn/no-thenable -- That is what it is about.
      then: () => {
        throw new RangeError("no query");
      },
    };
    await expect(start(() => failing as unknown as PromiseLike<string>)).rejects.toThrow("no query");
  });
});

it("a thenable from work that joins a session is run there and then, and that goes on", async () => {
  await begin(async (session) => {
    const { query, runs } = lazyQuery(false);
    const result = begin(() => query);
    expect(result).toBeInstanceOf(Promise);
    await eventually(() => runs.length === 2);
    expect([await result, await result]).toEqual(["rows", "rows"]);
    expect(runs).toEqual([session, session]);
    expect(session.isOpen).toBe(true);
  });
});

describe("a rejection of the work", () => {
  const failing = async () => {
    await turn();
    throw new RangeError("boom");
  };

  /** What the process was told of while that ran. */
  async function unhandledOf(run: () => Promise<void>): Promise<unknown[]> {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => void unhandled.push(reason);
    process.on("unhandledRejection", note);
    try {
      await run();
      await turn();
      await turn();
    } finally {
      process.off("unhandledRejection", note);
    }
    return unhandled;
  }

  it.each(starts)("of $how that nobody sees is unhandled, once", async ({ start }) => {
    const unhandled = await unhandledOf(async () => {
      void start(failing);
      await eventually(() => !anyScopeOpen());
    });
    expect(unhandled).toEqual([new RangeError("boom")]);
  });

  it.each(starts)("of $how that somebody sees is not", async ({ start }) => {
    const unhandled = await unhandledOf(async () => {
      await expect(start(failing)).rejects.toThrow("boom");
      // Seen before it is there, and seen twice.
      const work = start(failing);
      await Promise.allSettled([work, work.catch(() => {})]);
    });
    expect(unhandled).toEqual([]);
  });
});
