import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AccessTokens, hashPassword } from "quorate/sessions";
import { startProcess, type Worker } from "../../storage/demo/worker.js";
import { writeUserFile } from "../service/user-file.js";
import { BankServer } from "./bank-server.js";
import type { BankClientCommands, DemoLogin } from "./commands.js";
import { type FaultProxy, startFaultProxy } from "./fault-proxy.js";

/** A client process, how it logs in, and the proxy that it goes through. */
export interface SceneClient {
  readonly worker: Worker<BankClientCommands>;
  readonly login: DemoLogin;
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
    logins.map(async (login) => {
      const script = new URL("../client.js", import.meta.url);
      return {
        worker: startProcess<BankClientCommands>(login.user, script, []),
        login,
        proxy: await startFaultProxy(),
      };
    }),
  );
  const proxies = clients.map(({ proxy }) => proxy);
  const server = new BankServer(folder, proxies);
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

/** Half of the users get a password, the others a token. What the server needs to know goes to the file. */
async function makeLogins(file: string, users: readonly string[]): Promise<DemoLogin[]> {
  const tokens = new AccessTokens();
  const passwords: Record<string, string> = {};
  const logins: DemoLogin[] = [];
  for (const [at, user] of users.entries()) {
    if (at < users.length / 2) {
      const password = randomBytes(16).toString("base64url");
      // Nobody guesses it, so it need not be costly to try; and each cut makes the client log in once more.
      passwords[user] = await hashPassword(password, { logN: 12 });
      logins.push({ kind: "password", user, password });
    } else {
      logins.push({ kind: "token", user, token: tokens.issue({ user, name: "demo" }).token.reveal() });
    }
  }
  await writeUserFile(file, { passwords, tokens: tokens.records() });
  return logins;
}
