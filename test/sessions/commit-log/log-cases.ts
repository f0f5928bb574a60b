import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll } from "vitest";
import type { LocalEtcd } from "../../../examples/bank/demo/local-etcd.js";
import type { CommitLog } from "../../../src/sessions/commit-log/commit-log.js";
import { openLogWith } from "../../../src/sessions/commit-log/etcd/etcd-log.js";
import { openEtcdLog } from "../../../src/sessions/commit-log/etcd/index.js";
import { openFileLog } from "../../../src/sessions/commit-log/file-log.js";
import { createMemoryLogStore } from "../../../src/sessions/commit-log/memory-log.js";
import { useEtcd } from "../../helpers/use-etcd.js";
import { SimulatedEtcd } from "./etcd/simulated-etcd.js";

/** A kind of commit log that the contract is held against. */
export interface LogCase {
  readonly name: string;
  /** Whether several handles may be open at once. */
  readonly shared: boolean;
  /** A log of its own, empty. */
  readonly create: () => Promise<LogUnderTest>;
  /** To be called in the `describe` of its tests: what must be there before them. */
  readonly prepare?: () => void;
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
  inEtcd(),
  { name: "etcd, simulated", shared: true, create: async () => inSimulatedEtcd() },
];

function inSimulatedEtcd(): LogUnderTest {
  const etcd = new SimulatedEtcd();
  return {
    open: async () =>
      openLogWith(etcd.client(), { endpoints: ["127.0.0.1:1"], prefix: "log/", maxEntryBytes }),
    [Symbol.asyncDispose]: async () => {
      if (etcd.watches > 0) throw new Error(`${etcd.watches} watches are still open`);
    },
  };
}

function inEtcd(): LogCase {
  let running: () => LocalEtcd = () => {
    throw new Error("prepare() comes before create()");
  };
  let logs = 0;
  return {
    name: "etcd",
    shared: true,
    prepare: () => {
      const started = useEtcd();
      beforeAll(() => {
        running = started;
      });
    },
    create: async () => {
      const prefix = `log-${++logs}/`;
      const { endpoints } = running();
      return {
        open: async () => openEtcdLog({ endpoints, prefix, maxEntryBytes }),
        [Symbol.asyncDispose]: async () => {},
      };
    },
  };
}

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
