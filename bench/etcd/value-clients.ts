import { connect, createClient, type OwnedConfiguration } from "quorate";
import { openSession, type Session, sessionClient } from "quorate/sessions";
import { PlainValue, StoredValue } from "./gen/bench/etcd/v1/value_quorate.js";
import type { ValueServer } from "./value-server.js";

/** Makes one request. */
export type Request = () => Promise<unknown>;

/** How requests are made. */
export interface Load {
  /** Clients, each with a session of its own. */
  readonly clients: number;
  /** Requests that each of them has under way. */
  readonly window: number;
}

/** The clients of one server: sessions, and calls without, over one connection. */
export class ValueClients implements AsyncDisposable {
  readonly #server: ValueServer;
  readonly #connection: OwnedConfiguration;
  readonly #sessions: Session[] = [];
  #answered = 0;

  private constructor(server: ValueServer, connection: OwnedConfiguration) {
    this.#server = server;
    this.#connection = connection;
  }

  /** Connects, and opens the sessions. */
  static async connect(server: ValueServer, sessions: number): Promise<ValueClients> {
    const nodes = [server.address];
    const clients = new ValueClients(server, await connect({ nodes, extensions: [sessionClient()] }));
    try {
      for (let at = 0; at < sessions; at++) {
        clients.#sessions.push(await openSession(clients.#connection, { signal: server.gone }));
      }
      return clients;
    } catch (error) {
      await clients[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Writes of such values, one way for each session. */
  writes(bytes: Uint8Array): Request[] {
    return this.#sessions.map((session) => {
      const client = createClient(StoredValue, session);
      return async () => {
        await client.write({ bytes });
        this.#answered += 1;
      };
    });
  }

  /** Linearizable reads, one way for each session. */
  reads(): Request[] {
    return this.#sessions.map((session) => {
      const client = createClient(StoredValue, session);
      return () => client.read({});
    });
  }

  /** Reads of what the server has applied, one way for each session. */
  localReads(): Request[] {
    return this.#sessions.map((session) => {
      const client = createClient(StoredValue, session);
      return () => client.readLocal({});
    });
  }

  /** The same reads without sessions. */
  plainReads(): Request[] {
    return this.#connection.nodes.map((node) => {
      const client = createClient(PlainValue, node);
      return () => client.read({});
    });
  }

  /** Throws if the server has not applied each write once. */
  async checkCount(): Promise<void> {
    const { writes } = await this.#server.ask("statistics");
    if (writes === this.#answered) return;
    throw new Error(`the server has applied ${writes} writes, and ${this.#answered} were answered`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Without their server, sessions end with their connection.
    const open = this.#server.gone.aborted ? [] : this.#sessions;
    // Why one cannot be closed is told by whoever has called the server.
    await Promise.allSettled(open.map((session) => session.close({ timeoutMs: closeTimeoutMs })));
    await this.#connection[Symbol.asyncDispose]();
  }
}

const closeTimeoutMs = 5_000;
