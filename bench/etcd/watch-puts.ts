import { once } from "node:events";
import { connectEtcd } from "../../src/sessions/commit-log/etcd/etcd-cluster.js";
import { bytesOf } from "../../src/sessions/commit-log/etcd/etcd-keys.js";

/** What the keys of plain puts begin with. */
export const putPrefix = "puts/";

/** Tells of the revision of each plain put, as it comes. Resolves once etcd watches. */
export async function watchPuts(endpoint: string, seen: (revision: number) => void): Promise<Disposable> {
  const client = connectEtcd({
    endpoints: [endpoint],
    tls: undefined,
    auth: undefined,
    tryTimeoutMs: 10_000,
  });
  const watch = client.watch({ key: bytesOf("puts/"), rangeEnd: bytesOf("puts0") });
  const created = new EventTarget();
  const watching = once(created, "watching");
  const read = async () => {
    for await (const { created: isCreated, events } of watch) {
      if (isCreated) created.dispatchEvent(new Event("watching"));
      for (const { kv } of events) if (kv !== undefined) seen(Number(kv.modRevision));
    }
  };
  const reading = read();
  // After the beginning, only the end of the server ends it.
  reading.catch(() => {});
  await Promise.race([watching, reading]);
  return {
    [Symbol.dispose]: () => {
      watch.cancel();
      client.close();
    },
  };
}
