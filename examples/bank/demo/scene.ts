import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BankServer } from "./bank-server.js";
import { type ClientProcess, startClient } from "./client-process.js";
import { type FaultProxy, startFaultProxy } from "./fault-proxy.js";
import { makeLogins } from "./make-logins.js";

/** A client process, and the proxy that it goes through. */
export interface SceneClient extends ClientProcess {
  readonly proxy: FaultProxy;
}

/** The processes of the demo, and the folder with their log. */
export interface Scene {
  readonly folder: string;
  readonly server: BankServer;
  readonly clients: readonly SceneClient[];
  /** Ends all processes at once, and removes the folder. */
  close(): Promise<void>;
}

/** Makes a folder and starts a client process for each user, but no server yet. */
export async function openScene(users: readonly string[]): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), "quorate-bank-"));
  const logins = await makeLogins(join(folder, "bank-users.json"), users);
  const clients = await Promise.all(
    logins.map(async (login) => ({ ...startClient(login), proxy: await startFaultProxy() })),
  );
  const proxies = clients.map(({ proxy }) => proxy);
  const server = new BankServer({ directory: folder, proxies });
  let closed: Promise<void> | undefined;
  const close = async () => {
    await Promise.all([server.destroy(), ...clients.map(({ worker }) => worker.kill())]);
    await Promise.all(proxies.map((proxy) => proxy.close()));
    await rm(folder, { recursive: true, force: true });
  };
  return {
    folder,
    server,
    clients,
    close: () => {
      closed ??= close();
      return closed;
    },
  };
}
