import { join } from "node:path";
import { openFileLog, type SessionsOptions } from "quorate/sessions";
import { openEtcdLog } from "quorate/sessions/etcd";

/** The log of the bank, and what the server does with it every so many entries. */
export type BankLog = Pick<SessionsOptions, "log" | "snapshotEvery" | "checkEvery">;

/** What the keys of the bank begin with in etcd. */
export const bankPrefix = "bank/";

/** Opens the log: in a folder below that of the server, or, if there are endpoints, in etcd. */
export async function openBankLog(directory: string, endpoints?: readonly string[]): Promise<BankLog> {
  if (endpoints === undefined) {
    // Small files and many snapshots, so that the demo sees files that were forgotten, and starts that begin with one.
    const log = await openFileLog({ directory: join(directory, "log"), segmentBytes: 16 * 1_024 });
    return { log, snapshotEvery: 32 };
  }
  // Short times, so that a leader that is lost is soon found missing, and a server ends soon without any etcd.
  const times = { tryTimeoutMs: 250, requestTimeoutMs: 3_000 };
  const log = openEtcdLog({ endpoints, prefix: bankPrefix, ...times });
  return { log, snapshotEvery: 512, checkEvery: 64 };
}
