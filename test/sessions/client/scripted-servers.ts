import {
  byId,
  type ConnectOptions,
  connect,
  createServer,
  type OwnedConfiguration,
  type Server,
} from "quorate";
import { createMemoryTransport, type MemoryTransport } from "quorate/testing";
import { openSession } from "../../../src/sessions/client/open-session.js";
import type { OpenSessionOptions, Session } from "../../../src/sessions/client/session.js";
import { sessionClient } from "../../../src/sessions/client/session-client.js";
import { eventually } from "../../helpers/eventually.js";
import { ScriptedRequest } from "./scripted-request.js";
import { ScriptedSessions } from "./scripted-sessions.js";

/** What becomes of a request. */
export type Script = (request: ScriptedRequest) => void;

/**
 * Servers in memory that remember all that comes, and answer it as {@link ScriptedSessions} say, or as the script of its
 * method says.
 */
export class ScriptedServers implements AsyncDisposable {
  readonly network: MemoryTransport = createMemoryTransport();
  readonly sessions = new ScriptedSessions();
  /** All that came, in order. */
  readonly seen: ScriptedRequest[] = [];
  readonly #scripts = new Map<string, Script>();
  readonly #servers: Server[] = [];
  readonly #clients: OwnedConfiguration[] = [];
  /** Requests that are not answered. */
  readonly #open = new Set<() => void>();

  static async start(count: number, host = "127.0.0.1"): Promise<ScriptedServers> {
    const servers = new ScriptedServers();
    for (let server = 1; server <= count; server++) await servers.#start(server, `${host}:0`);
    return servers;
  }

  /** From now on requests of this method are answered like this; by default not at all. */
  on(method: string, script: Script = () => {}): void {
    this.#scripts.set(method, script);
  }

  /** From now on requests of this method are answered as by servers that are well. */
  heal(method: string): void {
    this.#scripts.delete(method);
  }

  /** The next request of this method that was not taken yet. */
  async take(method: string): Promise<ScriptedRequest> {
    const find = () => this.seen.find((one) => !one.taken && one.method === method);
    await eventually(() => find() !== undefined, `a request of ${method}`);
    const found = find();
    if (found === undefined) throw new Error("it was there");
    found.taken = true;
    return found;
  }

  /** The numbers of the requests that came to a server, in order, without those of reads. */
  numbers(server?: number): number[] {
    return this.seen
      .filter((one) => one.number > 0 && (server === undefined || one.server === server))
      .map(({ number }) => number);
  }

  count(method: string): number {
    return this.seen.filter((one) => one.method === method).length;
  }

  /** A connection to all servers, of which so many are connected, or all. */
  async connect(
    options: Partial<ConnectOptions> = {},
    connected: number = this.#servers.length,
  ): Promise<OwnedConfiguration> {
    const configuration = await connect({
      nodes: this.#servers.map(({ address }) => address),
      transport: this.network,
      extensions: [sessionClient()],
      backoff: { minMs: 5, maxMs: 20 },
      ...options,
    });
    this.#clients.push(configuration);
    await eventually(() => configuration.nodes.filter((node) => node.connected).length === connected);
    return configuration;
  }

  /** A session on a connection of its own, at server 1 if nothing is said. */
  async open(options: OpenSessionOptions = {}): Promise<Session> {
    return this.openOn(await this.connect(), options);
  }

  /** A session on this connection. */
  openOn(configuration: OwnedConfiguration, options: OpenSessionOptions = {}): Promise<Session> {
    return openSession(configuration, { ...fast, ...options });
  }

  /** Ends the streams of a server; with `stay` it cannot be reached any more. */
  break(server: number, stay: "down" | "up" = "up"): void {
    const { address } = this.#servers[server - 1] ?? { address: "" };
    this.network.breakStreams(address);
    if (stay === "down") this.network.setDown(address, true);
  }

  /** Lets a server be reached that was down. */
  up(server: number): void {
    this.network.setDown(this.#servers[server - 1]?.address ?? "", false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const done of this.#open) done();
    await Promise.all(this.#clients.map((client) => client.close({ graceMs: 0 })));
    await Promise.all(this.#servers.map((server) => server.close({ graceMs: 0 })));
  }

  async #start(number: number, address: string): Promise<void> {
    const server = await createServer({
      address,
      transport: this.network,
      extensions: [
        {
          name: "script",
          attach: async () => ({
            methods: [],
            handle: (request, stream) =>
              new Promise((resolve) => {
                request.release();
                this.#open.add(resolve);
                const done = () => {
                  this.#open.delete(resolve);
                  resolve();
                };
                const seen = new ScriptedRequest(number, request, stream, done);
                this.seen.push(seen);
                const script = this.#scripts.get(seen.method) ?? ((one) => this.sessions.answer(one));
                script(seen);
              }),
            close: async () => {},
          }),
        },
      ],
    });
    this.#servers.push(server);
  }
}

/** Options with which tests need not wait: the servers in order, and short waits. */
export const fast: OpenSessionOptions = {
  prefer: byId,
  backoff: { minMs: 1, maxMs: 2 },
  tryTimeoutMs: 10_000,
};
