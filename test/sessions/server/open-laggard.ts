import type { MemoryLogStore } from "../../../src/sessions/commit-log/memory-log.js";
import { eventually } from "../../helpers/eventually.js";
import { FaultyLog, type Gate, newGate, slowed } from "./faulty-log.js";
import { openTestLog, type TestLog, type TestLogOptions } from "./open-test-log.js";

/** A server that lags behind, as the test says. */
export interface Laggard extends AsyncDisposable {
  readonly a: TestLog;
  readonly log: FaultyLog;
  /** Lets it have its entries. */
  readonly goOn: () => void;
  /** Keeps its entries from it, beginning with the next one. */
  readonly hold: () => void;
}

/** Opens a server that does not get on from where it is opened. */
export async function openLaggard(store: MemoryLogStore, options: TestLogOptions = {}): Promise<Laggard> {
  let gate: Gate<void> | undefined;
  const log = new FaultyLog(store.open(), { entries: slowed(async () => gate?.promise) });
  const a = await openTestLog(log, { serverId: "a", ...options });
  const goOn = () => gate?.open();
  const hold = () => {
    gate = newGate();
  };
  hold();
  return { a, log, goOn, hold, [Symbol.asyncDispose]: () => a.log.close() };
}

/** Waits until this server has stored a snapshot at or above the op. */
export async function snapshotStored(server: TestLog, op: number): Promise<void> {
  await eventually(() =>
    server.observer.told.some((each) => {
      const [what, at] = each.split(" ");
      return what === "snapshotSaved" && Number(at) >= op;
    }),
  );
}
