import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { openFileLog } from "../../../src/sessions/commit-log/file-log.js";
import { readFileLogOptions } from "../../../src/sessions/commit-log/file-log-options.js";
import { LogTruncated } from "../../../src/sessions/commit-log/log-errors.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { appendAll, begun, bytes, readAll, reader, readTexts, take, texts } from "./log-helpers.js";
import { openOn, segments, threeSegments } from "./log-on-disk.js";
import { SimulatedDisk } from "./simulated-disk.js";

checkLeaks();

/** The names of the calls since the last one that was counted. */
function callsSince(disk: SimulatedDisk, from: number): string[] {
  return disk.calls.slice(from).map(({ name }) => name);
}

describe("group commit of the file log", () => {
  it("takes one write and one sync for all appends of a turn", async () => {
    const disk = new SimulatedDisk();
    const log = await openOn(disk);
    const before = disk.calls.length;
    expect(await appendAll(log, texts(100))).toEqual(Array.from({ length: 100 }, (_, at) => at + 1));
    expect(callsSince(disk, before)).toEqual(["write", "sync"]);
    await log.close();
  });

  it("writes a frame only after the one before is synced, and acknowledges only what is", async () => {
    const disk = new SimulatedDisk();
    const log = await openOn(disk, { maxEntryBytes: 3 * 2 ** 20 });
    const before = disk.calls.length;
    let acknowledged = 0;
    const syncsAtAcknowledgement: number[] = [];
    const appends = [1, 2, 3].map(async (value) => {
      await log.append(new Uint8Array(3 * 2 ** 20).fill(value));
      acknowledged += 1;
      const syncs = callsSince(disk, before).filter((name) => name === "sync").length;
      syncsAtAcknowledgement.push(syncs - acknowledged);
    });
    await Promise.all(appends);
    expect(callsSince(disk, before)).toEqual(["write", "sync", "write", "sync", "write", "sync"]);
    expect(syncsAtAcknowledgement).toEqual([0, 0, 0]);
    await log.close();
  });
});

describe("segments of the file log", () => {
  it("begin when one is full, and go when a snapshot stands for all of their entries", async () => {
    const { disk, log } = await threeSegments();
    expect(disk.names).toEqual(["genesis", ...segments]);
    await log.saveSnapshot(1, bytes("one"));
    expect(disk.names).toEqual(["genesis", ...segments, "snapshot"]);
    await log.saveSnapshot(2, bytes("two"));
    expect(disk.names).toEqual(["genesis", ...segments.slice(1), "snapshot"]);
    await log.saveSnapshot(6, bytes("six"));
    expect(disk.names).toEqual(["genesis", ...segments.slice(2), "snapshot"]);
    expect(await readTexts(log, 4)).toEqual(["e5", "e6"]);
    await log.close();
    const again = await openOn(disk, { segmentBytes: 1 });
    expect(await readTexts(again, 4)).toEqual(["e5", "e6"]);
    expect(await again.append(bytes("e7"))).toBe(7);
    await again.close();
  });

  it("are removed only when the snapshot is durable", async () => {
    const { disk, log } = await threeSegments();
    const before = disk.calls.length;
    await log.saveSnapshot(4, bytes("four"));
    const calls = disk.calls.slice(before).map(({ name, file }) => `${name} ${file}`.trim());
    expect(calls).toEqual([
      "open snapshot.tmp",
      "write snapshot.tmp",
      "write snapshot.tmp",
      "sync snapshot.tmp",
      "close snapshot.tmp",
      "rename snapshot.tmp",
      "syncDirectory",
      `remove ${segments[0]}`,
      `remove ${segments[1]}`,
    ]);
    await log.close();
  });

  it("that are forgotten are named to a reader who needs them, also to one that is overtaken", async () => {
    const { disk, log } = await threeSegments();
    const [overtaken, ahead] = [reader(log), reader(log)];
    await take(overtaken, 1);
    await take(ahead, 5);
    await log.saveSnapshot(5, bytes("five"));
    for (const entries of [reader(log), reader(log, 3), overtaken]) {
      await expect(entries.next()).rejects.toMatchObject({
        name: "LogTruncated",
        floor: 4,
        code: Code.OutOfRange,
      });
    }
    expect((await take(ahead, 1)).map(({ op }) => op)).toEqual([6]);
    await ahead.return?.();
    await log.close();
    expect(disk.openFiles).toBe(0);
    const again = await openOn(disk);
    await expect(readAll(again, 3)).rejects.toThrow(LogTruncated);
    expect(await readTexts(again, 4)).toEqual(["e5", "e6"]);
    await again.close();
  });

  it("are read from the middle by their index", async () => {
    const disk = new SimulatedDisk();
    const log = await openOn(disk);
    const large = Array.from({ length: 40 }, (_, at) => `${at + 1}:${"x".repeat(20_000)}`);
    for (const each of large) await log.append(bytes(each));
    const before = disk.calls.length;
    expect(await readTexts(log, 39)).toEqual([large[39]]);
    // The frames before are not read: one piece has at most 256 KiB of the 800,000 bytes.
    expect(callsSince(disk, before).filter((name) => name === "read")).toHaveLength(1);
    for (const from of [0, 1, 3, 4, 17, 38]) expect(await readTexts(log, from)).toEqual(large.slice(from));
    await log.close();
  });
});

describe("what is appended while the file log is read", () => {
  it("is not read back from the disk, and neither left out nor repeated for who falls behind", async () => {
    const disk = new SimulatedDisk();
    const log = await openOn(disk);
    await appendAll(log, ["e1", "e2"]);
    const entries = reader(log, 0);
    await take(entries, 2);
    const before = disk.calls.length;
    const all: string[] = [];
    for (let at = 3; at <= 9; at++) {
      const taken = take(entries, 1);
      await log.append(bytes(`e${at}`));
      all.push(...(await taken).map(({ op }) => `e${op}`));
    }
    expect(callsSince(disk, before).filter((name) => name === "read")).toEqual([]);
    // So many frames that the first of them are not kept.
    for (let at = 10; at <= 60; at++) await log.append(bytes(`e${at}`));
    for (const { op, entry } of await take(entries, 51)) {
      expect(Buffer.from(entry).toString()).toBe(`e${op}`);
      all.push(`e${op}`);
    }
    expect(all).toEqual(texts(60).slice(2));
    await entries.return?.();
    await log.close();
    expect(disk.openFiles).toBe(0);
  });
});

describe("closing the file log", () => {
  it("ends a reader without an error at whatever it is", async () => {
    for (let steps = 0; steps < 40; steps++) {
      const { disk, log } = await threeSegments();
      // In several steps, so that the file is closed between two of them too.
      disk.plan = ({ name }) => (name === "read" ? "short" : undefined);
      const entries = reader(log);
      const reading = take(entries, 7);
      for (let step = 0; step < steps; step++) await Promise.resolve();
      await log.close();
      const read = await reading;
      expect(read.map(({ op }) => op)).toEqual(read.map((_, at) => at + 1));
      expect(disk.openFiles).toBe(0);
    }
  });
});

describe("openFileLog", () => {
  it("makes folders and files for their owner alone", async () => {
    const parent = await mkdtemp(join(tmpdir(), "quorate-log-"));
    const directory = join(parent, "a", "b");
    const log = await begun(await openFileLog({ directory }));
    await log.append(bytes("e1"));
    await log.close();
    const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);
    expect(await modeOf(directory)).toBe("700");
    expect(await modeOf(join(directory, "segment-0000000000000001"))).toBe("600");
    await rm(parent, { recursive: true });
  });

  it("says what it cannot open", async () => {
    await expect(openFileLog({ directory: "/dev/null/log" })).rejects.toMatchObject({
      code: Code.Unavailable,
      reason: "LOG_UNAVAILABLE",
      cause: { code: "ENOTDIR" },
    });
  });

  it.each([
    { directory: "" },
    { directory: "/log", maxEntryBytes: 0 },
    { directory: "/log", maxEntryBytes: 2 ** 28 + 1 },
    { directory: "/log", maxWaitingAppends: 1.5 },
    { directory: "/log", maxWaitingBytes: -1 },
    { directory: "/log", segmentBytes: Number.NaN },
  ])("refuses $directory, $maxEntryBytes, $maxWaitingAppends, $maxWaitingBytes, $segmentBytes", (options) => {
    expect(() => readFileLogOptions(options)).toThrow(
      expect.objectContaining({ code: Code.InvalidArgument }),
    );
  });

  it("has the defaults that are documented", () => {
    expect(readFileLogOptions({ directory: "/log" })).toEqual({
      directory: "/log",
      maxEntryBytes: 1_572_864,
      maxWaitingAppends: 65_536,
      maxWaitingBytes: 67_108_864,
      segmentBytes: 16_777_216,
    });
  });
});
