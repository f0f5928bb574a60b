import type { EtcdClient } from "./etcd-client.js";
import type { EtcdKeys } from "./etcd-keys.js";
import type { EtcdSettings } from "./etcd-log-options.js";
import type { KnownPosition } from "./known-position.js";
import type { OwnBatches } from "./own-batches.js";

/** What the parts of a log in etcd share. */
export interface LogParts {
  readonly client: EtcdClient;
  readonly keys: EtcdKeys;
  readonly settings: Pick<EtcdSettings, "requestTimeoutMs" | "watchCheckMs">;
  readonly known: KnownPosition;
  readonly own: OwnBatches;
  /** What stands before all entries, once this handle has asked for it. */
  genesis: Uint8Array | undefined;
}
