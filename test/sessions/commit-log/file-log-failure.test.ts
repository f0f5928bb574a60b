import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { openFileLog } from "../../../src/sessions/commit-log/file-log.js";
import { LogCorrupt } from "../../../src/sessions/commit-log/log-errors.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { appendAll, bytes, readAll, reader, readTexts, take, text, texts } from "./log-helpers.js";
import { openOn, segments, threeSegments } from "./log-on-disk.js";
import { SimulatedDisk } from "./simulated-disk.js";

checkLeaks();

describe("a file log after a failure", () => {
  it.each([
    { call: "write", error: "ENOSPC" },
    { call: "write", error: "EIO" },
    { call: "sync", error: "EIO" },
    { call: "sync", error: "ENOSPC" },
  ] as const)(
    "of $call with $error is read-only, and says of each append what is known",
    async ({ call, error }) => {
      const disk = new SimulatedDisk();
      const log = await openOn(disk);
      const entries = reader(log);
      await appendAll(log, texts(2));
      disk.plan = ({ name }) => (name === call ? error : undefined);
      const failing = texts(2, 3).map((each) => log.append(bytes(each)));
      const later = failing[0]?.catch(() => log.append(bytes("later")));
      for (const append of failing) {
        await expect(append).rejects.toMatchObject({
          outcome: "unknown",
          code: Code.Unavailable,
          reason: "LOG_UNAVAILABLE",
          cause: { code: error },
        });
      }
      disk.plan = () => undefined;
      const refused = { code: Code.Unavailable, reason: "LOG_UNAVAILABLE", cause: { code: error } };
      await expect(later).rejects.toMatchObject({ outcome: "not-appended", ...refused });
      await expect(log.saveSnapshot(1, bytes("one"))).rejects.toMatchObject(refused);
      expect(await log.tail()).toBe(2);
      expect((await take(entries, 2)).map(({ entry }) => text(entry))).toEqual(texts(2));
      expect(await readTexts(log)).toEqual(texts(2));
      const waiting = entries.next();
      await log.close();
      expect(await waiting).toEqual({ done: true, value: undefined });
      const again = await openOn(disk);
      // What was written in full before its sync has failed is found: nobody was told that it is not there.
      expect(await readTexts(again)).toEqual(call === "sync" ? texts(4) : texts(2));
      await again.close();
    },
  );

  it("of a snapshot that has no room goes on, without it", async () => {
    const { disk, log } = await threeSegments();
    await log.saveSnapshot(1, bytes("one"));
    disk.plan = ({ file }) => (file === "snapshot.tmp" ? "ENOSPC" : undefined);
    await expect(log.saveSnapshot(4, bytes("four"))).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE" });
    disk.plan = () => undefined;
    expect(await log.append(bytes("e7"))).toBe(7);
    expect(await log.loadSnapshot()).toEqual({ op: 1, bytes: bytes("one") });
    expect(await log.saveSnapshot(4, bytes("four"))).toBe(true);
    expect(disk.names).not.toContain("snapshot.tmp");
    await log.close();
  });

  it("to publish a snapshot is read-only, since it may be the new one that stands there", async () => {
    const { disk, log } = await threeSegments();
    await log.saveSnapshot(1, bytes("one"));
    disk.plan = ({ name }) => (name === "syncDirectory" ? "EIO" : undefined);
    await expect(log.saveSnapshot(5, bytes("five"))).rejects.toMatchObject({ cause: { code: "EIO" } });
    disk.plan = () => undefined;
    await expect(log.saveSnapshot(3, bytes("three"))).rejects.toMatchObject({ cause: { code: "EIO" } });
    await expect(log.append(bytes("e7"))).rejects.toMatchObject({ outcome: "not-appended" });
    expect(await log.loadSnapshot()).toEqual({ op: 5, bytes: bytes("five") });
    expect(disk.names).toEqual(["genesis", ...segments, "snapshot"]);
    await log.close();
  });

  it("to begin can begin when it is opened anew, and not before", async () => {
    const disk = new SimulatedDisk();
    const log = await openFileLog({ directory: "/log" }, disk);
    disk.plan = ({ file }) => (file === "genesis.tmp" ? "ENOSPC" : undefined);
    const refused = { reason: "LOG_UNAVAILABLE", cause: { cause: { code: "ENOSPC" } } };
    await expect(log.genesis(bytes("one"))).rejects.toMatchObject(refused);
    disk.plan = () => undefined;
    await expect(log.genesis(bytes("two"))).rejects.toMatchObject(refused);
    await expect(log.append(bytes("e1"))).rejects.toMatchObject({ outcome: "not-appended" });
    await log.close();
    const again = await openFileLog({ directory: "/log" }, disk);
    expect(text(await again.genesis(bytes("three")))).toBe("three");
    await again.append(bytes("e1"));
    await again.close();
    const last = await openOn(disk);
    expect(await readTexts(last)).toEqual(["e1"]);
    await last.close();
  });

  it("to remove a segment says so, and removes it with the next snapshot", async () => {
    const { disk, log } = await threeSegments();
    disk.plan = ({ name }) => (name === "remove" ? "EIO" : undefined);
    await expect(log.saveSnapshot(4, bytes("four"))).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE" });
    disk.plan = () => undefined;
    expect(await log.loadSnapshot()).toEqual({ op: 4, bytes: bytes("four") });
    expect(await readTexts(log)).toEqual(texts(6));
    await log.saveSnapshot(5, bytes("five"));
    expect(disk.names).toEqual(["genesis", segments[2], "snapshot"]);
    await log.close();
  });

  it("to begin a segment has appended nothing", async () => {
    const { disk, log } = await threeSegments();
    disk.plan = ({ file }) => (file.startsWith("segment-0000000000000007") ? "ENOSPC" : undefined);
    await expect(log.append(bytes("e7"))).rejects.toMatchObject({
      outcome: "not-appended",
      cause: { code: "ENOSPC" },
    });
    disk.plan = () => undefined;
    await log.close();
    const again = await openOn(disk);
    expect(await readTexts(again)).toEqual(texts(6));
    await again.close();
  });

  it("of the disk while it is read tells the reader, with place and name", async () => {
    const { disk, log } = await threeSegments();
    disk.plan = ({ name }) => (name === "read" ? "EIO" : undefined);
    await expect(readAll(log)).rejects.toMatchObject({ reason: "LOG_UNAVAILABLE", cause: { code: "EIO" } });
    disk.plan = () => undefined;
    const [, middle = ""] = segments;
    disk.bytesOf(middle).writeUInt8(0xff, 64 + 34 + 28);
    const damage = await readAll(log).catch((error: unknown) => error);
    expect(damage).toBeInstanceOf(LogCorrupt);
    expect(damage).toMatchObject({ file: middle, offset: 64 + 34 });
    await log.close();
    expect(disk.openFiles).toBe(0);
  });
});
