import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CommitLog } from "../../../src/sessions/commit-log/commit-log.js";
import { openFileLog } from "../../../src/sessions/commit-log/file-log.js";
import { createMemoryLogStore } from "../../../src/sessions/commit-log/memory-log.js";

/** A kind of commit log that the contract is held against. */
export interface LogCase {
  readonly name: string;
  /** Whether several handles may be open at once. */
  readonly shared: boolean;
  /** A log of its own, empty. */
  readonly create: () => Promise<LogUnderTest>;
}

/** One log, which handles can be opened on, one after the other at least. */
export interface LogUnderTest extends AsyncDisposable {
  open(): Promise<CommitLog>;
}

/** The kinds that there are. A further one is a row here. */
export const logCases: readonly LogCase[] = [
  { name: "memory", shared: true, create: async () => memory(1) },
  { name: "memory, with gaps between positions", shared: true, create: async () => memory(1024) },
  { name: "file", shared: false, create: () => files({}) },
  { name: "file, of many segments", shared: false, create: () => files({ segmentBytes: 100 }) },
];

function memory(opStep: number): LogUnderTest {
  const store = createMemoryLogStore({ opStep, maxEntryBytes });
  return { open: async () => store.open(), [Symbol.asyncDispose]: async () => {} };
}

async function files(options: { readonly segmentBytes?: number }): Promise<LogUnderTest> {
  const directory = await mkdtemp(join(tmpdir(), "quorate-log-"));
  return {
    open: () => openFileLog({ directory, maxEntryBytes, ...options }),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}

/** Bytes that an entry may have in these logs. */
export const maxEntryBytes = 100_000;
