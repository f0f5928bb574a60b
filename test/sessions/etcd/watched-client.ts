import type { CommitLog } from "../../../src/sessions/commit-log/commit-log.js";
import type { EtcdClient, EtcdWatch } from "../../../src/sessions/commit-log/etcd/etcd-client.js";
import { connectEtcd } from "../../../src/sessions/commit-log/etcd/etcd-cluster.js";
import { openLogWith } from "../../../src/sessions/commit-log/etcd/etcd-log.js";
import {
  type EtcdLogOptions,
  readEtcdLogOptions,
} from "../../../src/sessions/commit-log/etcd/etcd-log-options.js";
import type { WatchResponse } from "../../../src/sessions/commit-log/etcd/gen/etcd/rpc_pb.js";
import { type Gate, newGate } from "../server/faulty-log.js";

/** A handle on a log whose watches wait before they begin, and are written down. */
export interface WatchedLog {
  readonly log: CommitLog;
  /** How many watches were asked for. */
  readonly watches: () => number;
  readonly responses: readonly WatchResponse[];
  /** Lets them begin. */
  readonly begin: () => void;
}

/** Opens a log on a real client. Its watches ask etcd for nothing before `begin`. */
export function openWatchedLog(options: EtcdLogOptions): WatchedLog {
  const client = connectEtcd(readEtcdLogOptions(options));
  const gate: Gate<void> = newGate();
  const responses: WatchResponse[] = [];
  let watches = 0;
  const watched: EtcdClient = {
    endpoints: client.endpoints,
    transact: (transaction, signal) => client.transact(transaction, signal),
    watch: (init) => {
      watches += 1;
      return held(client.watch(init), gate, responses);
    },
    close: () => client.close(),
  };
  const log = openLogWith(watched, options);
  return { log, watches: () => watches, responses, begin: () => gate.open() };
}

function held(watch: EtcdWatch, { promise, open }: Gate<void>, responses: WatchResponse[]): EtcdWatch {
  return {
    cancel: () => {
      open();
      watch.cancel();
    },
    async *[Symbol.asyncIterator]() {
      await promise;
      for await (const response of watch) {
        responses.push(response);
        yield response;
      }
    },
  };
}
