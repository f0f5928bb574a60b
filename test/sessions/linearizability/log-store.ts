import type { CommitLog } from "../../../src/sessions/commit-log/commit-log.js";
import { openLogWith } from "../../../src/sessions/commit-log/etcd/etcd-log.js";
import { createMemoryLogStore } from "../../../src/sessions/commit-log/memory-log.js";
import { createFaultyEtcd } from "../commit-log/etcd/etcd-faults.js";
import type { Faults } from "./faults.js";

/** The log that all servers of a run share. */
export interface LogStore {
  /** A handle for one server. */
  open(): CommitLog;
  /** Has happen to the log what it does not do by itself, until the signal ends. */
  readonly disturb: (signal: AbortSignal) => Promise<void>;
}

/** A log in memory, where nothing goes wrong by itself. */
export function memoryStore(faults: Faults): LogStore {
  const store = createMemoryLogStore({ opStep: faults.pick([1, 1, 7]) });
  return { open: () => store.open(), disturb: async () => {} };
}

/** A log in a simulated etcd, where everything does. */
export function etcdStore(faults: Faults): LogStore {
  const { disturb, etcd } = createFaultyEtcd(faults);
  const watchCheckMs = faults.pick([500, 2_000]);
  const open = () =>
    openLogWith(etcd.client(), {
      endpoints: ["127.0.0.1:1"],
      prefix: "bank/",
      requestTimeoutMs: faults.healed ? 10_000 : 2_000,
      watchCheckMs,
    });
  return { open, disturb };
}
