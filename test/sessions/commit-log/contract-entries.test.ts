import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import type { LogEntry } from "../../../src/sessions/commit-log/commit-log.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { turn } from "../../helpers/turn.js";
import { logCases } from "./log-cases.js";
import { appendAll, reader, readTexts, take, text, texts, withLogOf } from "./log-helpers.js";

checkLeaks();

describe.each(logCases)("reading a CommitLog: $name", ({ create, prepare }) => {
  prepare?.();
  const withLog = withLogOf(create);

  describe("tail", () => {
    it("is never below an entry that was acknowledged or read before the call", () =>
      withLog(async (log) => {
        const entries = reader(log);
        const appending = appendAll(log, texts(50)).then(async (ops) => {
          expect(await log.tail()).toBeGreaterThanOrEqual(ops.at(-1) ?? 0);
        });
        for (let read = 0; read < 50; read++) {
          const { value } = await entries.next();
          expect(await log.tail()).toBeGreaterThanOrEqual((value as LogEntry).op);
        }
        await appending;
        await entries.return?.();
      }));

    it("rejects when its signal has ended", () =>
      withLog(async (log) => {
        await expect(log.tail({ signal: AbortSignal.abort() })).rejects.toMatchObject({
          code: Code.Canceled,
        });
      }));
  });

  describe("entries", () => {
    it("begins behind any position and then follows the tail", () =>
      withLog(async (log) => {
        const ops = await appendAll(log, texts(10));
        for (const [at, op] of ops.entries()) expect(await readTexts(log, op)).toEqual(texts(9 - at, at + 2));
        const entries = reader(log, ops[7]);
        expect((await take(entries, 2)).map(({ op }) => op)).toEqual(ops.slice(8));
        const next = take(entries, 2);
        await turn();
        await appendAll(log, texts(2, 11));
        expect((await next).map(({ entry }) => text(entry))).toEqual(["e11", "e12"]);
        await entries.return?.();
      }));

    it("waits for entries above a position that is not reached", () =>
      withLog(async (log) => {
        const [first = 0] = await appendAll(log, texts(1));
        // Where the next one will stand, in logs with gaps between positions, too.
        const entries = reader(log, first + (first === 1 ? 1 : 1024));
        const next = take(entries, 1);
        await appendAll(log, texts(2, 2));
        expect((await next).map(({ entry }) => text(entry))).toEqual(["e3"]);
        await entries.return?.();
      }));

    it("gives several readers everything, each at its own pace", () =>
      withLog(async (log) => {
        const [slow, quick] = [reader(log), reader(log)];
        const read = take(quick, 120);
        await appendAll(log, texts(60));
        await take(slow, 1);
        await appendAll(log, texts(60, 61));
        expect((await read).map(({ entry }) => text(entry))).toEqual(texts(120));
        expect((await take(slow, 119)).map(({ entry }) => text(entry))).toEqual(texts(119, 2));
        await slow.return?.();
        await quick.return?.();
      }));

    it.each([
      { when: "before it begins", read: 0 },
      { when: "while it waits", read: 1 },
    ])("ends without an error when its signal ends $when", ({ read }) =>
      withLog(async (log) => {
        await appendAll(log, texts(1));
        const end = new AbortController();
        const entries = reader(log, 0, { signal: end.signal });
        if (read === 0) end.abort();
        await take(entries, read);
        const next = entries.next();
        await turn();
        end.abort();
        expect(await next).toEqual({ done: true, value: undefined });
      }),
    );

    it("gives nothing more once its signal has ended, though there is more", () =>
      withLog(async (log) => {
        await appendAll(log, texts(5));
        const end = new AbortController();
        const entries = reader(log, 0, { signal: end.signal });
        await take(entries, 2);
        end.abort();
        expect(await take(entries, 3)).toEqual([]);
      }));

    it("ends when the reader is left while it waits", () =>
      withLog(async (log) => {
        const entries = reader(log);
        const waiting = entries.next();
        await turn();
        await entries.return?.();
        expect(await waiting).toEqual({ done: true, value: undefined });
      }));

    it.each([-1, 0.5, Number.NaN, 2 ** 53])("refuses %d as a position", (from) =>
      withLog(async (log) => {
        expect(() => log.entries(from)).toThrow(expect.objectContaining({ code: Code.InvalidArgument }));
      }),
    );
  });
});
