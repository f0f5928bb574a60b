import { expect } from "vitest";
import type { CommitLog, LogEntry } from "../../../src/sessions/commit-log/commit-log.js";
import { eventually } from "../../helpers/eventually.js";
import { bytes, readAll, text } from "../commit-log/log-helpers.js";

/** Writers that append without a pause, through several handles on one log. */
export class AppendLoad {
  /** What was acknowledged, with the positions. */
  readonly acknowledged = new Map<string, number>();
  /** What failed in whatever way. */
  readonly failed = new Map<string, unknown>();
  /** The longest time between two acknowledgements, in milliseconds. */
  longestPauseMs = 0;
  #lastMs = performance.now();
  #isStopping = false;
  readonly #writers: readonly Promise<void>[];

  constructor(logs: readonly CommitLog[], writersOfEach: number) {
    this.#writers = logs.flatMap((log, at) =>
      Array.from({ length: writersOfEach }, (_, writer) => this.#write(log, `${at}.${writer}`)),
    );
  }

  /** Resolves once so many more were acknowledged. */
  async more(count: number): Promise<void> {
    const until = this.acknowledged.size + count;
    await eventually(() => this.acknowledged.size >= until, `${count} more appends`, 15_000);
  }

  /** Lets the writers end. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#writers);
  }

  async #write(log: CommitLog, name: string): Promise<void> {
    for (let at = 0; !this.#isStopping; at++) {
      const entry = `${name}.${at}`;
      try {
        this.acknowledged.set(entry, await log.append(bytes(entry)));
        const nowMs = performance.now();
        this.longestPauseMs = Math.max(this.longestPauseMs, nowMs - this.#lastMs);
        this.#lastMs = nowMs;
      } catch (error) {
        this.failed.set(entry, error);
      }
    }
  }
}

/** Says that the log has all that was acknowledged, once, where it was said to be, and nothing that nobody wrote. */
export async function expectIn(log: CommitLog, { acknowledged, failed }: AppendLoad): Promise<LogEntry[]> {
  const found = await readAll(log);
  const ops = found.map(({ op }) => op);
  expect(ops).toEqual([...new Set(ops)].sort((a, b) => a - b));
  const inLog = new Map(found.map(({ op, entry }) => [text(entry), op]));
  expect(inLog.size).toBe(found.length);
  for (const [each, op] of acknowledged) expect([each, inLog.get(each)]).toEqual([each, op]);
  expect([...inLog.keys()].filter((each) => !acknowledged.has(each) && !failed.has(each))).toEqual([]);
  return found;
}

/** Reads on until an entry has come for each position up to `op`; resolves with the positions. */
export async function followTo(entries: AsyncIterator<LogEntry>, op: number): Promise<number[]> {
  const found: number[] = [];
  while ((found.at(-1) ?? 0) < op) {
    const next = await entries.next();
    if (next.done === true) break;
    found.push(next.value.op);
  }
  return found;
}
