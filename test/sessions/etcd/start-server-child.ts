import { type LogChild, startScript } from "../commit-log/start-child.js";

/** What a server process is started with. */
export interface ServerChildOptions {
  readonly endpoints: readonly string[];
  readonly prefix: string;
  readonly serverId: string;
  /** Where it writes what it pays. */
  readonly file?: string;
}

/** A server in a process of its own. */
export interface ServerChild {
  readonly child: LogChild;
  readonly address: string;
}

/** Starts `server-child.ts`; resolves once it listens. */
export async function startServerChild(options: ServerChildOptions): Promise<ServerChild & AsyncDisposable> {
  const { endpoints, prefix, serverId, file = "" } = options;
  const script = new URL("server-child.ts", import.meta.url);
  const child = startScript(script, [endpoints.join(","), prefix, serverId, file]);
  const [address = ""] = await child.lines(1);
  return { child, address, [Symbol.asyncDispose]: async () => void (await child.kill()) };
}
