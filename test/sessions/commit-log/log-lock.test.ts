import { mkdir, mkdtemp, readdir, rename, rm, symlink } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { openFileLog } from "../../../src/sessions/commit-log/file-log.js";
import { lockDirectory } from "../../../src/sessions/commit-log/log-lock.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { startChild } from "./start-child.js";

checkLeaks();

const locked = { code: Code.FailedPrecondition, reason: "LOG_LOCKED" };
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "quorate-lock-"));
});

afterEach(() => rm(directory, { recursive: true }));

describe("lockDirectory", () => {
  it("lets one in at a time, also of one process", async () => {
    for (let round = 0; round < 3; round++) {
      const release = await lockDirectory(directory);
      await expect(lockDirectory(directory)).rejects.toMatchObject(locked);
      await release();
    }
    expect(await readdir(directory)).toEqual([]);
  });

  it("never lets in two of those who come at once", async () => {
    for (let round = 0; round < 20; round++) {
      const all = await Promise.allSettled(Array.from({ length: 6 }, () => lockDirectory(directory)));
      const releases = all.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
      const reasons = all.flatMap((each) => (each.status === "rejected" ? [each.reason as unknown] : []));
      expect(releases.length).toBeLessThanOrEqual(1);
      for (const reason of reasons) expect(reason).toMatchObject(locked);
      for (const release of releases) await release();
    }
    const release = await lockDirectory(directory);
    await release();
    expect(await readdir(directory)).toEqual([]);
  });

  it("removes the sockets of those who are gone, also of one that was never shown", async () => {
    for (const name of ["lock-0000000000000001", "lock-0000000000000002.new"]) {
      await leaveSocket(join(directory, "left"));
      await rename(join(directory, "left"), join(directory, name));
    }
    const release = await lockDirectory(directory);
    expect(await readdir(directory)).toHaveLength(1);
    await release();
  });

  it("guards a folder whose path is too long for the address of a socket", async () => {
    const long = join(directory, "a".repeat(100), "b".repeat(100));
    await mkdir(long, { recursive: true });
    const release = await lockDirectory(long);
    await symlink(long, join(directory, "short"));
    await expect(lockDirectory(long)).rejects.toMatchObject(locked);
    await expect(lockDirectory(join(directory, "short"))).rejects.toMatchObject(locked);
    await release();
    await (await lockDirectory(join(directory, "short")))();
    expect(await readdir(long)).toEqual([]);
  });

  it("does not keep the process alive, nor a file open once it has failed", async () => {
    await expect(lockDirectory(join(directory, "missing"))).rejects.toMatchObject({ code: "ENOENT" });
    const release = await lockDirectory(directory);
    expect(process.getActiveResourcesInfo()).not.toContain("PipeServerWrap");
    await release();
  });
});

describe("a file log that another process has open", () => {
  it("is refused while that one lives, even if it stands still, and opens once it was killed", async () => {
    const log = join(directory, "log");
    await using child = startChild(log);
    expect(await child.lines(1)).toEqual(["open"]);
    await expect(openFileLog({ directory: log })).rejects.toMatchObject(locked);
    child.stop();
    await expect(openFileLog({ directory: log })).rejects.toMatchObject(locked);
    await child.kill();
    await using own = await openFileLog({ directory: log });
    expect(await own.tail()).toBe(0);
    await using second = startChild(log);
    expect(await second.lines(1)).toEqual(["refused LOG_LOCKED"]);
  });
});

/** A socket that nobody listens on, as a killed process leaves it. */
async function leaveSocket(path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(path, listening));
  await rename(path, `${path}.kept`);
  await new Promise((closed) => server.close(closed));
  await rename(`${path}.kept`, path);
}
