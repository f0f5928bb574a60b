import { createServer, type Server, type ServerOptions } from "quorate";
import { createMemoryTransport, type MemoryTransport } from "quorate/testing";
import { createMemoryLogStore, type MemoryLogStore } from "../../../src/sessions/commit-log/memory-log.js";
import { createSessions, type SessionsOptions } from "../../../src/sessions/server/create-sessions.js";
import type { ReplicateOptions } from "../../../src/sessions/server/replicated-services.js";
import type { GuardedHandlers } from "../../../src/sessions/server/session-handlers.js";
import type { GuardOptions, Sessions } from "../../../src/sessions/server/sessions.js";
import type { SessionsEvent } from "../../../src/sessions/server/sessions-event.js";
import { Payments } from "../../gen/payments/v1/payments_quorate.js";
import { Register } from "../../gen/register/v1/register_quorate.js";
import { Test } from "../../gen/test/v1/test_quorate.js";
import { echoHandlers } from "../../helpers/test-service.js";
import { LogControl } from "./log-control.js";
import { type RawClientOptions, RawSessionClient } from "./raw-session-client.js";
import { TestRegister } from "./register-service.js";

/** What a test chooses of its server. */
export interface SessionServerOptions {
  /** The network; another server's, to be on the same. */
  readonly network?: MemoryTransport;
  /** The log; another server's, to share it. */
  readonly store?: MemoryLogStore;
  readonly sessions?: Partial<Omit<SessionsOptions, "log" | "onEvent">>;
  readonly server?: Omit<ServerOptions, "routes" | "extensions" | "transport">;
  readonly replicate?: Pick<
    ReplicateOptions<keyof (typeof Register)["callTypes"]>,
    "anonymous" | "consistency"
  >;
  readonly guard?: GuardOptions;
  /** The guarded handler; by default it answers `paid <text>`. */
  readonly pay?: GuardedHandlers<typeof Payments>["pay"];
}

/** A server with sessions on a network in memory: Register is replicated, Payments is guarded, Test is plain. */
export class SessionServer implements AsyncDisposable {
  readonly network: MemoryTransport;
  readonly store: MemoryLogStore;
  readonly sessions: Sessions;
  readonly server: Server;
  readonly control: LogControl;
  readonly register: TestRegister;
  readonly events: SessionsEvent[];
  readonly #clients: RawSessionClient[] = [];

  private constructor(
    parts: Pick<
      SessionServer,
      "network" | "store" | "sessions" | "server" | "control" | "register" | "events"
    >,
  ) {
    this.network = parts.network;
    this.store = parts.store;
    this.sessions = parts.sessions;
    this.server = parts.server;
    this.control = parts.control;
    this.register = parts.register;
    this.events = parts.events;
  }

  static async start(options: SessionServerOptions = {}): Promise<SessionServer> {
    const { network = createMemoryTransport(), store = createMemoryLogStore({ opStep: 3 }) } = options;
    const control = new LogControl(store.open());
    const register = new TestRegister();
    const events: SessionsEvent[] = [];
    const onEvent = (event: SessionsEvent) => void events.push(event);
    const sessions = createSessions({ ...options.sessions, log: control.log, onEvent });
    sessions.replicate(Register, register, {
      snapshot: () => register.snapshot(),
      restore: (bytes) => register.restore(bytes),
      ...options.replicate,
    });
    const pay = options.pay ?? (({ text }) => ({ text: `paid ${text}` }));
    sessions.guard(Payments, { pay, paid: () => ({ text: "all" }) }, options.guard);
    const server = await createServer({
      address: "127.0.0.1:0",
      ...options.server,
      transport: network,
      extensions: [sessions],
      routes: (router) => router.service(Test, echoHandlers()),
    });
    return new SessionServer({ network, store, sessions, server, control, register, events });
  }

  /** Another machine with the same log, on the same network. */
  join(options: Omit<SessionServerOptions, "network" | "store"> = {}): Promise<SessionServer> {
    const { network, store } = this;
    const sessions = { serverId: "another", ...options.sessions };
    return SessionServer.start({ ...options, sessions, network, store });
  }

  /** Opens a stream; it is closed with the server. */
  async connect(options: Omit<RawClientOptions, "network" | "address"> = {}): Promise<RawSessionClient> {
    const { network, server } = this;
    const client = await RawSessionClient.connect({ ...options, network, address: server.address });
    this.#clients.push(client);
    return client;
  }

  /** Opens a stream and a session on it. */
  async open(client = 1): Promise<RawSessionClient> {
    const raw = await this.connect({ client });
    await raw.open();
    return raw;
  }

  get appliedOp(): number {
    return this.sessions.snapshot().appliedOp;
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    await this.server.close({ graceMs: 0 });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
