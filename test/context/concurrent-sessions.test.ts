import { EventEmitter } from "node:events";
import { contextKey, contextSession } from "quorate/context";
import { describe, expect, it } from "vitest";
import { anyScopeOpen } from "../../internal/util/async-scope.js";
import { testNode } from "../configuration/test-nodes.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { seededRandom } from "../helpers/seeded-random.js";
import { turn } from "../helpers/turn.js";
import { failOnUnhandled } from "../helpers/unhandled.js";

checkLeaks();
failOnUnhandled();

// oxlint-disable-next-line typescript/unbound-method -- They need no object.
const { begin, fork, current, get, set } = contextSession;
const numberKey = contextKey<number>("number");

/** Ways to go on later. */
const detours: Readonly<Record<string, (goOn: () => void) => void>> = {
  await: (goOn) =>
    void (async () => {
      await Promise.resolve();
      goOn();
    })(),
  "a reaction of a promise": (goOn) => void Promise.resolve().then(goOn),
  setImmediate,
  setTimeout: (goOn) => void setTimeout(goOn, 0),
  queueMicrotask,
  "process.nextTick": (goOn) => process.nextTick(goOn),
  "an event that is emitted later": (goOn) => {
    const emitter = new EventEmitter();
    emitter.once("done", goOn);
    setImmediate(() => emitter.emit("done"));
  },
};
const ways = Object.values(detours);

const detour = (at: number): Promise<void> =>
  new Promise((resolve) => (ways[at % ways.length] ?? setImmediate)(resolve));

describe("1,000 sessions at a time", () => {
  it("see only their own, whatever their work awaits and starts", async () => {
    const random = seededRandom(7);
    let running = 0;
    let most = 0;
    const work = async (own: number, steps: readonly number[]) => {
      const session = current();
      running += 1;
      most = Math.max(most, running);
      set(numberKey, own);
      session?.addPeer(testNode(own));
      for (const step of steps) {
        await detour(step);
        if (current() !== session || get(numberKey) !== own) throw new Error(`${own} is in another session`);
        if (step === 3) {
          await fork(async () => {
            set(numberKey, -own);
            await detour(step + 1);
            if (get(numberKey) !== -own) throw new Error(`the fork of ${own} is in another session`);
          });
        }
      }
      running -= 1;
      return session?.peers().map(({ node }) => node.id);
    };
    const all = Array.from({ length: 1_000 }, (_, own) => {
      const steps = Array.from({ length: 12 }, () => Math.floor(random() * ways.length));
      return begin(() => work(own, steps));
    });
    expect(anyScopeOpen()).toBe(true);
    const seen = await Promise.all(all);
    expect(seen).toEqual(Array.from({ length: 1_000 }, (_, own) => [own]));
    expect(most).toBe(1_000);
    expect(anyScopeOpen()).toBe(false);
  });
});

describe("a session goes along with", () => {
  it.each(Object.entries(detours))("%s", async (_, goLater) => {
    await begin(async (session) => {
      const seen = await new Promise((resolve) => goLater(() => resolve(current())));
      expect(seen).toBe(session);
    });
  });

  it("an event that is emitted within it, to whoever listens", () => {
    const emitter = new EventEmitter();
    const seen: unknown[] = [];
    emitter.on("work", () => seen.push(current()));
    const sessions = [1, 2].map(() => begin((session) => (emitter.emit("work"), session)));
    expect(seen).toEqual(sessions);
    expect(seen[0]).not.toBe(seen[1]);
  });
});

describe("sessions that overlap", () => {
  /** A session that is open until it is let go of. */
  function held() {
    let letGo = () => {};
    const until = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const work = begin(async (session) => {
      await until;
      // Not to be lost when another session ended meanwhile.
      expect(current()).toBe(session);
    });
    const end = () => {
      letGo();
      return work;
    };
    return { end };
  }

  it.each([
    { order: "first in, first out", ends: [0, 1, 2] },
    { order: "last in, first out", ends: [2, 1, 0] },
    { order: "any order", ends: [1, 2, 0] },
  ])("leave no scope open when the last one has ended: $order", async ({ ends }) => {
    const all = [held(), held(), held()];
    for (const at of ends) {
      expect(anyScopeOpen()).toBe(true);
      await all[at]?.end();
    }
    expect(anyScopeOpen()).toBe(false);
  });

  it("are not ended twice by their signal and their work", async () => {
    const other = held();
    const controller = new AbortController();
    await begin(
      async () => {
        controller.abort();
        await turn();
      },
      { signal: controller.signal },
    );
    expect(anyScopeOpen()).toBe(true);
    await other.end();
    await eventually(() => !anyScopeOpen());
  });
});
