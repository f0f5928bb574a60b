import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import type { LogEntry } from "../../../src/sessions/commit-log/commit-log.js";
import { AppendError, LogTruncated } from "../../../src/sessions/commit-log/log-errors.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { turn } from "../../helpers/turn.js";
import { logCases, maxEntryBytes } from "./log-cases.js";
import {
  appendAll,
  begun,
  bytes,
  readAll,
  reader,
  readTexts,
  take,
  text,
  texts,
  withLogOf,
} from "./log-helpers.js";

checkLeaks();

describe.each(logCases)("the contract of CommitLog: $name", ({ create, prepare }) => {
  prepare?.();
  const withLog = withLogOf(create);

  describe("genesis", () => {
    it("is the first one proposed, for all who ask at once and later", async () => {
      await using under = await create();
      await using log = await under.open();
      const answers = await Promise.all(["one", "two", "three"].map((each) => log.genesis(bytes(each))));
      expect(answers.map(text)).toEqual(["one", "one", "one"]);
      await log.close();
      await using again = await under.open();
      expect(text(await again.genesis(bytes("four")))).toBe("one");
    });

    it("may be empty", async () => {
      await using under = await create();
      await using log = await under.open();
      expect(await log.genesis(bytes(""))).toHaveLength(0);
      expect(await log.genesis(bytes("late"))).toHaveLength(0);
    });

    it("is refused above the bound of an entry", async () => {
      await using under = await create();
      await using log = await under.open();
      await expect(log.genesis(new Uint8Array(maxEntryBytes + 1))).rejects.toMatchObject({
        code: Code.ResourceExhausted,
        reason: "ENTRY_TOO_LARGE",
      });
      expect(text(await log.genesis(bytes("small")))).toBe("small");
    });

    it("comes before the first append of each handle", async () => {
      await using under = await create();
      await using log = await under.open();
      const early = { outcome: "not-appended", code: Code.FailedPrecondition, reason: "NO_GENESIS" };
      await expect(log.append(bytes("early"))).rejects.toMatchObject(early);
      await begun(log);
      await log.append(bytes("in time"));
      await log.close();
      await using again = await under.open();
      await expect(again.append(bytes("early"))).rejects.toMatchObject(early);
      expect(await readTexts(again)).toEqual(["in time"]);
    });
  });

  describe("append", () => {
    it("gives positions above 0 that rise in the order of the calls", () =>
      withLog(async (log) => {
        expect(await log.tail()).toBe(0);
        const ops = [...(await appendAll(log, texts(20))), await log.append(bytes("e21"))];
        expect(ops[0]).toBeGreaterThan(0);
        expect(ops).toEqual([...new Set(ops)].sort((a, b) => a - b));
        expect(await readAll(log)).toEqual(ops.map((op, at) => ({ op, entry: bytes(`e${at + 1}`) })));
      }));

    it("keeps the order of the calls when each begins without awaiting others, over many turns", () =>
      withLog(async (log) => {
        const appended: Promise<number>[] = [];
        for (const each of texts(200)) {
          appended.push(log.append(bytes(each)));
          if (appended.length % 7 === 0) await turn();
        }
        const ops = await Promise.all(appended);
        expect(ops).toEqual([...ops].sort((a, b) => a - b));
        expect(await readTexts(log)).toEqual(texts(200));
      }));

    it("gives back every byte, also of empty and of the largest entries", () =>
      withLog(async (log) => {
        const largest = Uint8Array.from({ length: maxEntryBytes }, (_, at) => (at * 31) % 256);
        const entries = [
          new Uint8Array(),
          Uint8Array.from({ length: 256 }, (_, at) => at),
          largest,
          new Uint8Array(),
        ];
        await Promise.all(entries.map((entry) => log.append(entry)));
        expect((await readAll(log)).map(({ entry }) => [...entry])).toEqual(
          entries.map((entry) => [...entry]),
        );
      }));

    it("refuses an entry above the bound, and goes on", () =>
      withLog(async (log) => {
        expect(log.maxEntryBytes).toBe(maxEntryBytes);
        const [before, refused, after] = await Promise.allSettled([
          log.append(bytes("before")),
          log.append(new Uint8Array(maxEntryBytes + 1)),
          log.append(bytes("after")),
        ]);
        expect([before.status, after.status]).toEqual(["fulfilled", "fulfilled"]);
        const { reason } = refused as PromiseRejectedResult;
        expect(reason).toBeInstanceOf(AppendError);
        expect(reason).toMatchObject({ outcome: "not-appended", reason: "ENTRY_TOO_LARGE" });
        expect(await readTexts(log)).toEqual(["before", "after"]);
      }));
  });

  describe("snapshots", () => {
    it("are kept with the highest position only", () =>
      withLog(async (log) => {
        expect(await log.loadSnapshot()).toBeUndefined();
        const ops = await appendAll(log, texts(9));
        const [low = 0, middle = 0, high = 0] = [ops[2], ops[4], ops[6]];
        expect(await log.saveSnapshot(middle, bytes("middle"))).toBe(true);
        expect(await log.saveSnapshot(low, bytes("low"))).toBe(false);
        expect(await log.saveSnapshot(middle, bytes("the same"))).toBe(false);
        expect(await log.loadSnapshot()).toEqual({ op: middle, bytes: bytes("middle") });
        const saved = await Promise.all([high, low].map((op) => log.saveSnapshot(op, bytes(`at ${op}`))));
        expect(saved).toEqual([true, false]);
        expect(await log.loadSnapshot()).toEqual({ op: high, bytes: bytes(`at ${high}`) });
        expect(await readTexts(log, high)).toEqual(["e8", "e9"]);
      }));

    it("stand for entries that may be forgotten, and a reader who needs those is told", () =>
      withLog(async (log) => {
        const before = await appendAll(log, texts(10));
        const behind = reader(log);
        await take(behind, 1);
        const op = before.at(-1) ?? 0;
        await log.saveSnapshot(op, bytes("state"));
        await appendAll(log, ["after"]);
        expect(await readTexts(log, op)).toEqual(["after"]);
        for (const entries of [reader(log), behind]) {
          const { last, truncated } = await readOnOrTruncated(entries);
          const { floor = 0 } = (truncated ?? {}) as Partial<LogTruncated>;
          const isTold = truncated instanceof LogTruncated && floor > last && floor <= op;
          expect({ last, truncated, ok: isTold || (truncated === undefined && last > op) }).toMatchObject({
            ok: true,
          });
        }
      }));

    it("survive the handle, with the entries above them", async () => {
      await using under = await create();
      const log = await begun(await under.open());
      const ops = await appendAll(log, texts(5));
      await log.saveSnapshot(ops[2] ?? 0, bytes("three"));
      await log.close();
      await using again = await begun(await under.open());
      const snapshot = await again.loadSnapshot();
      expect(snapshot).toEqual({ op: ops[2], bytes: bytes("three") });
      expect(await readTexts(again, snapshot?.op)).toEqual(["e4", "e5"]);
      expect(await again.saveSnapshot(ops[1] ?? 0, bytes("two"))).toBe(false);
      expect(await again.append(bytes("e6"))).toBeGreaterThan(ops[4] ?? 0);
    });

    it.each([0, -1, 1.5, 2 ** 53])("are refused at %d", (op) =>
      withLog(async (log) => {
        await appendAll(log, texts(1));
        await expect(log.saveSnapshot(op, bytes(""))).rejects.toMatchObject({ code: Code.InvalidArgument });
      }),
    );

    it("are refused above the tail", () =>
      withLog(async (log) => {
        const [op = 0] = await appendAll(log, texts(1));
        await expect(log.saveSnapshot(op + 1, bytes(""))).rejects.toMatchObject({
          code: Code.InvalidArgument,
        });
        expect(await log.loadSnapshot()).toBeUndefined();
      }));
  });

  describe("close", () => {
    it("settles what was called before, refuses what comes later, and may be repeated", async () => {
      await using under = await create();
      const log = await begun(await under.open());
      const before = appendAll(log, texts(30));
      const closed = log.close();
      const closedError = { code: Code.Unavailable, reason: "CLOSED" };
      await expect(log.append(bytes("late"))).rejects.toMatchObject({
        outcome: "not-appended",
        ...closedError,
      });
      expect(await before).toHaveLength(30);
      await closed;
      await log.close();
      await expect(log.tail()).rejects.toMatchObject(closedError);
      await expect(log.genesis(bytes(""))).rejects.toMatchObject(closedError);
      await expect(log.loadSnapshot()).rejects.toMatchObject(closedError);
      await expect(log.saveSnapshot(1, bytes(""))).rejects.toMatchObject(closedError);
      await using again = await begun(await under.open());
      expect(await readTexts(again)).toEqual(texts(30));
    });

    it("ends the readers without an error: who waits, who is at an entry, who comes later", async () => {
      await using under = await create();
      const log = await begun(await under.open());
      await appendAll(log, texts(3));
      const [waiting, at] = [reader(log, await log.tail()), reader(log)];
      await take(at, 1);
      const next = waiting.next();
      await log.close();
      expect((await next).done).toBe(true);
      expect((await at.next()).done).toBe(true);
      expect((await reader(log).next()).done).toBe(true);
    });
  });
});

describe.each(logCases.filter(({ shared }) => shared))(
  "several handles on one log: $name",
  ({ create, prepare }) => {
    prepare?.();
    it("see the same entries, and outlive each other", async () => {
      await using under = await create();
      await using one = await under.open();
      await using two = await under.open();
      const answers = await Promise.all([one.genesis(bytes("one")), two.genesis(bytes("two"))]);
      expect(["one,one", "two,two"]).toContain(answers.map(text).join());
      const entries = reader(two);
      const next = take(entries, 2);
      const ops = [await one.append(bytes("a")), await two.append(bytes("b"))];
      expect(await next).toEqual([
        { op: ops[0], entry: bytes("a") },
        { op: ops[1], entry: bytes("b") },
      ]);
      await one.close();
      expect(await two.tail()).toBe(ops[1]);
      await two.saveSnapshot(ops[1] ?? 0, bytes("state"));
      await entries.return?.();
    });
  },
);

/** A log need not forget; what it must not do is to leave entries out. Resolves with how the reader came to its end. */
async function readOnOrTruncated(entries: AsyncIterator<LogEntry>): Promise<Reading> {
  let last = 0;
  try {
    for (let next = await entries.next(); next.done !== true; next = await entries.next()) {
      last = next.value.op;
      if (text(next.value.entry) === "after") break;
    }
    await entries.return?.();
    return { last, truncated: undefined };
  } catch (error) {
    return { last, truncated: error };
  }
}

interface Reading {
  readonly last: number;
  readonly truncated: unknown;
}
