import { Code } from "quorate";
import { type ContextSession, contextKey, contextSession } from "quorate/context";
import { afterEach, describe, expect, it } from "vitest";
import { anyScopeOpen } from "../../internal/util/async-scope.js";
import { testNode } from "../configuration/test-nodes.js";
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
const boom = new RangeError("boom");

const refused = (reason: string): unknown =>
  expect.objectContaining({
    code: Code.FailedPrecondition,
    reason,
    message: expect.stringMatching(/^quorate: /) as string,
  });

interface EndRow {
  readonly name: string;
  /** Runs the work to its end, with the session; what comes of it, a rejection as what it rejects with. */
  readonly run: (start: typeof begin, note: (session: ContextSession) => void) => unknown;
  readonly result: unknown;
}

const failureOf = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => error);

const ends: readonly EndRow[] = [
  {
    name: "returns",
    run: (start, note) => start((session) => (note(session), 5)),
    result: 5,
  },
  {
    name: "throws",
    run: (start, note) => {
      try {
        return start((session) => {
          note(session);
          throw boom;
        });
      } catch (error) {
        return error;
      }
    },
    result: boom,
  },
  {
    name: "is resolved",
    run: (start, note) =>
      start(async (session) => {
        note(session);
        await turn();
        expect(session.isOpen).toBe(true);
        return 5;
      }),
    result: 5,
  },
  {
    name: "is rejected",
    run: (start, note) =>
      failureOf(
        start(async (session) => {
          note(session);
          await turn();
          expect(session.isOpen).toBe(true);
          throw boom;
        }),
      ),
    result: boom,
  },
  {
    name: "is rejected because its own signal ended",
    run: (start, note) => {
      const controller = new AbortController();
      const work = start(
        (session) =>
          new Promise((_, reject) => {
            note(session);
            controller.signal.addEventListener("abort", () => reject(boom));
          }),
        { signal: controller.signal },
      );
      controller.abort(boom);
      return failureOf(work);
    },
    result: boom,
  },
];

describe.each([
  { how: "begin", start: begin },
  { how: "fork", start: ((...args: Parameters<typeof begin>) => begin(() => fork(...args))) as typeof begin },
])("a session of $how", ({ start }) => {
  it.each(ends)("ends when its work $name", async ({ run, result }) => {
    const seen: ContextSession[] = [];
    expect(await run(start, (session) => seen.push(session))).toBe(result);
    expect(seen.map(({ isOpen }) => isOpen)).toEqual([false]);
    expect(current()).toBeUndefined();
  });

  it("ends with its signal, and its work goes on outside of it", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const result = await start(
      async (session) => {
        set(color, "red");
        controller.abort();
        expect(session.isOpen).toBe(false);
        expect(current()).toBeUndefined();
        expect(session.get(color)).toBeUndefined();
        await turn();
        expect(current()).toBeUndefined();
        return "done";
      },
      { signal },
    );
    expect(result).toBe("done");
  });

  it("never opens if its signal has ended before, and its work runs", async () => {
    const result = await start(
      async (session) => {
        expect(session.isOpen).toBe(false);
        expect(current()).toBeUndefined();
        await turn();
        expect(current()).toBeUndefined();
        return begin((another) => another.isOpen);
      },
      { signal: AbortSignal.abort() },
    );
    expect(result).toBe(true);
  });

  it("does not listen to its signal any longer when it has ended", async () => {
    const { signal } = new AbortController();
    const listeners = new Set<unknown>();
    signal.addEventListener = (_: string, listener: unknown) => void listeners.add(listener);
    signal.removeEventListener = (_: string, listener: unknown) => void listeners.delete(listener);
    for (const { run } of ends.slice(0, 4)) {
      let heard = 0;
      const listening = ((work: () => unknown) =>
        start(
          (session: ContextSession) => {
            heard = listeners.size;
            return (work as (one: ContextSession) => unknown)(session);
          },
          { signal },
        )) as typeof begin;
      await run(listening, () => {});
      expect(heard).toBe(1);
      expect(listeners.size).toBe(0);
    }
  });
});

describe("what was left running when its session ended", () => {
  /** Runs a probe a turn after the end of its session, which is told of; within another that is open, if there is one. */
  async function afterEnd<Result>(
    probe: (ended: ContextSession) => Result | Promise<Result>,
  ): Promise<Result> {
    return begin((session) => {
      set(color, "red");
      session.addPeer(testNode(1));
      return { detached: turn().then(() => probe(session)) };
    }).detached;
  }

  const others: readonly { where: string; within: <R>(work: () => Promise<R>) => Promise<R> }[] = [
    { where: "while no session is open", within: (work) => work() },
    // Only while one is open is there a storage that could say where the work was started.
    { where: "while another session is open", within: (work) => begin(() => leave(work)) },
  ];

  describe.each(others)("$where", ({ within }) => {
    it("is outside of any session", async () => {
      await within(() =>
        afterEnd((ended) => {
          expect(ended.isOpen).toBe(false);
          expect(current()).toBeUndefined();
          expect(get(color)).toBeUndefined();
          expect(() => set(color, "blue")).toThrow(refused("NO_CONTEXT_SESSION"));
        }),
      );
    });

    it("cannot write to the session that it holds, and reads no value from it", async () => {
      await within(() =>
        afterEnd((ended) => {
          expect(() => ended.set(color, "blue")).toThrow(refused("CONTEXT_SESSION_ENDED"));
          expect(() => ended.addPeer(testNode(2))).toThrow(refused("CONTEXT_SESSION_ENDED"));
          expect(ended.get(color)).toBeUndefined();
          expect(ended.peers().map(({ node }) => node.id)).toEqual([1]);
        }),
      );
    });

    it.each([
      { how: "begins", start: begin },
      { how: "forks", start: fork },
    ])("$how a session of its own", async ({ start }) => {
      await within(() =>
        afterEnd(async (ended) => {
          await start(async (another) => {
            expect(another).not.toBe(ended);
            expect(another.peers()).toEqual([]);
            expect(get(color)).toBeUndefined();
            set(color, "blue");
            await turn();
            expect(current()).toBe(another);
          });
          expect(current()).toBeUndefined();
        }),
      );
    });
  });
});
