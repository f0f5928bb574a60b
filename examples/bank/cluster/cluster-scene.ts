import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEtcdLog } from "quorate/sessions/etcd";
import { BankServer } from "../demo/bank-server.js";
import { type ClientProcess, startClient } from "../demo/client-process.js";
import { type FaultProxy, startFaultProxy } from "../demo/fault-proxy.js";
import { type LocalEtcd, startEtcd } from "../demo/local-etcd.js";
import { makeLogins } from "../demo/make-logins.js";
import { bankPrefix } from "../service/bank-log.js";
import { bankServers } from "./cluster-plan.js";

/** A server of the bank, and the proxy before it, which is where the clients know it. */
export interface ClusterServer {
  readonly server: BankServer;
  readonly proxy: FaultProxy;
}

/** What the clients dial to come to a server. */
export function addressOf({ port }: Pick<FaultProxy, "port">): string {
  return `127.0.0.1:${port}`;
}

/** The processes of the demo, and the folder with their data. */
export interface ClusterScene {
  readonly etcd: LocalEtcd;
  readonly servers: readonly ClusterServer[];
  readonly clients: readonly ClientProcess[];
  /** The position of the last entry that was committed before the call. */
  readonly endOfLog: () => Promise<number>;
  /** Ends all processes at once, and removes what they have written. */
  close(): Promise<void>;
}

/** Starts etcd, and a client process for each user, but no server yet. */
export async function openClusterScene(users: readonly string[]): Promise<ClusterScene> {
  const folder = await mkdtemp(join(tmpdir(), "quorate-cluster-"));
  const closing: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  let closed: Promise<void> | undefined;
  const close = async () => {
    // The folder last: until then, somebody may write to it.
    for (const step of closing.toReversed()) await step();
  };
  try {
    const etcd = await startEtcd({ members: 3 });
    closing.push(() => etcd.close());
    const servers: ClusterServer[] = [];
    for (let at = 1; at <= bankServers; at++) {
      const proxy = await startFaultProxy();
      closing.push(() => proxy.close());
      const id = `bank-${at}`;
      const args = ["--etcd", etcd.endpoints.join(","), "--id", id];
      const server = new BankServer({ name: id, directory: folder, args, proxies: [proxy] });
      closing.push(() => server.destroy());
      servers.push({ server, proxy });
    }
    const clients = (await makeLogins(join(folder, "bank-users.json"), users)).map(startClient);
    closing.push(() => Promise.all(clients.map(({ worker }) => worker.kill())));
    return {
      etcd,
      servers,
      clients,
      endOfLog: async () => {
        await using log = openEtcdLog({ endpoints: etcd.endpoints, prefix: bankPrefix });
        return await log.tail();
      },
      close: () => {
        closed ??= close();
        return closed;
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}
