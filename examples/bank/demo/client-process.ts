import { startProcess, type Worker } from "../../storage/demo/worker.js";
import type { BankClientCommands, DemoLogin } from "./commands.js";

/** A client process, and how it logs in. */
export interface ClientProcess {
  readonly worker: Worker<BankClientCommands>;
  readonly login: DemoLogin;
}

/** Starts a client, which waits to be told what to do. */
export function startClient(login: DemoLogin): ClientProcess {
  return { worker: startProcess(login.user, new URL("../client.js", import.meta.url), []), login };
}
