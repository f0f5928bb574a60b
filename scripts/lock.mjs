// One process at a time: a folder is the lock, because creating one is atomic everywhere.
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const pollMs = 100;
const ownerlessMs = 10_000;

/**
 * Runs `work` while holding the lock folder, waiting for another holder at most `waitMs`. A lock whose holder
 * has died is taken over.
 *
 * @template T
 * @param {string} folder
 * @param {{ waitMs: number, onWait?: () => void }} options
 * @param {() => T | Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(folder, { waitMs, onWait }, work) {
  mkdirSync(dirname(folder), { recursive: true });
  const giveUpAt = Date.now() + waitMs;
  for (let waited = false; !tryLock(folder); waited = true) {
    if (removeIfStale(folder)) continue;
    if (Date.now() > giveUpAt) {
      throw new Error(
        `another process holds ${folder} for more than ${waitMs / 1000} s; remove that folder if none is running`,
      );
    }
    if (!waited) onWait?.();
    await sleep(pollMs);
  }
  try {
    return await work();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function tryLock(folder) {
  try {
    mkdirSync(folder);
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
  writeFileSync(`${folder}/owner`, `${process.pid} ${hostname()}`);
  return true;
}

function removeIfStale(folder) {
  const owner = readOwner(folder);
  if (owner === undefined ? !olderThan(folder, ownerlessMs) : isAlive(owner)) return false;
  // Of several that find the same stale lock, the one whose rename succeeds removes it.
  const aside = `${folder}.${process.pid}.stale`;
  try {
    renameSync(folder, aside);
    rmSync(aside, { recursive: true, force: true });
    return true;
  } catch (error) {
    if (error.code === "ENOENT") return true;
    throw error;
  }
}

function readOwner(folder) {
  try {
    return readFileSync(`${folder}/owner`, "utf8").trim() || undefined;
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

function olderThan(folder, ageMs) {
  try {
    return Date.now() - statSync(folder).mtimeMs > ageMs;
  } catch (error) {
    if (error.code === "ENOENT") return false;
    throw error;
  }
}

function isAlive(owner) {
  const [pid, host] = owner.split(" ");
  // A process on another machine that shares the folder cannot be asked.
  if (host !== hostname()) return true;
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    return error.code !== "ESRCH";
  }
}
