import type { CommitLog, LogEntry, LogWaitOptions } from "../../../src/sessions/commit-log/commit-log.js";
import type { LogUnderTest } from "./log-cases.js";

/** A text as the bytes of an entry. */
export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The bytes of an entry as the text that they were made of. */
export function text(entry: Uint8Array): string {
  return new TextDecoder().decode(entry);
}

/** Runs with one handle on a log of its own, which was begun. */
export function withLogOf(create: () => Promise<LogUnderTest>) {
  return async (use: (log: CommitLog) => Promise<void>): Promise<void> => {
    await using under = await create();
    await using log = await begun(await under.open());
    await use(log);
  };
}

/** Begins a log, or finds what it was begun with. */
export async function begun(log: CommitLog): Promise<CommitLog> {
  await log.genesis(bytes("genesis"));
  return log;
}

/** Appends the texts at once; resolves with their positions. */
export function appendAll(log: CommitLog, texts: readonly string[]): Promise<number[]> {
  return Promise.all(texts.map((each) => log.append(bytes(each))));
}

/** The entries above `from`, up to the tail of now. */
export async function readAll(log: CommitLog, from = 0): Promise<LogEntry[]> {
  const tail = await log.tail();
  const found: LogEntry[] = [];
  if (tail <= from) return found;
  for await (const each of log.entries(from)) {
    found.push(each);
    if (each.op >= tail) break;
  }
  return found;
}

/** The texts of the entries above `from`. */
export async function readTexts(log: CommitLog, from = 0): Promise<string[]> {
  return (await readAll(log, from)).map(({ entry }) => text(entry));
}

/** The next `count` entries of a reader. */
export async function take(entries: AsyncIterator<LogEntry>, count: number): Promise<LogEntry[]> {
  const found: LogEntry[] = [];
  while (found.length < count) {
    const next = await entries.next();
    if (next.done === true) break;
    found.push(next.value);
  }
  return found;
}

/** A reader that is asked by hand. */
export function reader(log: CommitLog, from = 0, options?: LogWaitOptions): AsyncIterator<LogEntry> {
  return log.entries(from, options)[Symbol.asyncIterator]();
}

/** `e1`, `e2`, ... */
export function texts(count: number, start = 1): string[] {
  return Array.from({ length: count }, (_, index) => `e${start + index}`);
}
