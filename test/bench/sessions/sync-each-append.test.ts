import { type CommitLog, createMemoryLog } from "quorate/sessions";
import { describe, expect, it } from "vitest";
import { syncEachAppend } from "../../../bench/sessions/sync-each-append.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { turn } from "../../helpers/turn.js";

checkLeaks();

/** A log that notes its appends, and settles them when it is told. */
function heldLog() {
  const log = createMemoryLog();
  const given: number[] = [];
  const settle: ((error?: Error) => void)[] = [];
  let closed = false;
  const held: CommitLog = {
    ...log,
    maxEntryBytes: log.maxEntryBytes,
    append: (entry) => {
      given.push(entry[0] ?? 0);
      return new Promise((resolve, reject) => {
        settle.push((error) => (error === undefined ? resolve(given.length) : reject(error)));
      });
    },
    close: async () => {
      closed = true;
      await log.close();
    },
  };
  return { held, given, settle, isClosed: () => closed };
}

describe("syncEachAppend", () => {
  it("gives the log one append at a time, in the order of the calls", async () => {
    const { held, given, settle } = heldLog();
    const log = syncEachAppend(held);
    const appends = [1, 2, 3].map((value) => log.append(Uint8Array.of(value)));
    for (const expected of [[1], [1, 2], [1, 2, 3]]) {
      await turn();
      expect(given).toEqual(expected);
      settle.shift()?.();
    }
    expect(await Promise.all(appends)).toEqual([1, 2, 3]);
  });

  it("goes on behind one that fails", async () => {
    const { held, given, settle } = heldLog();
    const log = syncEachAppend(held);
    const failing = log.append(Uint8Array.of(1)).catch((error: unknown) => String(error));
    const next = log.append(Uint8Array.of(2));
    await turn();
    settle.shift()?.(new Error("no disk"));
    expect(await failing).toContain("no disk");
    await turn();
    expect(given).toEqual([1, 2]);
    settle.shift()?.();
    expect(await next).toBe(2);
  });

  it("closes the log behind the appends that were called before", async () => {
    const { held, settle, isClosed } = heldLog();
    const log = syncEachAppend(held);
    const append = log.append(Uint8Array.of(1));
    const closing = log.close();
    await turn();
    expect(isClosed()).toBe(false);
    settle.shift()?.();
    await closing;
    expect(isClosed()).toBe(true);
    expect(await append).toBe(1);
  });

  it("is the log in all else", async () => {
    const log = syncEachAppend(createMemoryLog());
    expect(await log.genesis(Uint8Array.of(7))).toEqual(Uint8Array.of(7));
    const ops = await Promise.all([1, 2].map((value) => log.append(Uint8Array.of(value))));
    expect(ops).toEqual([1, 2]);
    expect(await log.tail()).toBe(2);
    const found: number[] = [];
    for await (const { entry } of log.entries(0)) {
      found.push(entry[0] ?? 0);
      if (found.length === 2) break;
    }
    expect(found).toEqual([1, 2]);
    expect(await log.saveSnapshot(1, Uint8Array.of(9))).toBe(true);
    expect(await log.loadSnapshot()).toEqual({ op: 1, bytes: Uint8Array.of(9) });
    await log.close();
    await expect(log.tail()).rejects.toThrow("closed");
  });
});
