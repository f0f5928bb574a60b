import { connect, createClient, type OwnedConfiguration } from "quorate";
import { openSession, type Session, sessionClient } from "quorate/sessions";
import { textOf } from "../shared/naming.js";
import { runLanes } from "../shared/run-lanes.js";
import type { Contestant, Measured } from "./comparison.js";
import type { EchoServer } from "./echo-server.js";
import { CountedEcho, PlainEcho } from "./gen/bench/sessions/v1/echo_quorate.js";

/** How calls are made. */
export interface Load {
  /** Sessions, each with a window of its own. Plain calls are as many at a time as those of all sessions. */
  readonly sessions: number;
  /** Calls of one session that are under way at the same time. */
  readonly window: number;
}

/** Makes one call. */
type Echo = (request: { readonly payload: Uint8Array }) => Promise<unknown>;

/** The clients of one server: connections, and sessions that share them. */
export class EchoClient implements AsyncDisposable {
  readonly #server: EchoServer;
  readonly #connections: readonly OwnedConfiguration[];
  readonly #sessions: Session[] = [];
  /** Requests that sessions were answered. */
  #answered = 0;

  private constructor(server: EchoServer, connections: readonly OwnedConfiguration[]) {
    this.#server = server;
    this.#connections = connections;
  }

  /** Connects so many times. */
  static async connect(server: EchoServer, connections: number): Promise<EchoClient> {
    const connecting = Array.from({ length: connections }, () =>
      connect({ nodes: [server.address], extensions: [sessionClient()] }),
    );
    return new EchoClient(server, await Promise.all(connecting));
  }

  /** Calls without sessions. */
  plain(name: string, { sessions, window }: Load): Contestant {
    const echoes = this.#connections.flatMap(({ nodes }): Echo[] => {
      return nodes.map((node) => createClient(PlainEcho, node).echo);
    });
    return { name, measure: (timeMs) => this.#measure(echoes, sessions * window, timeMs) };
  }

  /** Calls of sessions, which are opened here. */
  async sessioned(name: string, { sessions, window }: Load): Promise<Contestant> {
    const echoes: Echo[] = [];
    for (let at = 0; at < sessions; at++) {
      const session = await openSession(itemAt(this.#connections, at), { signal: this.#server.gone });
      this.#sessions.push(session);
      const client = createClient(CountedEcho, session);
      echoes.push(async (request) => {
        await client.echo(request);
        this.#answered += 1;
      });
    }
    return { name, measure: (timeMs) => this.#measure(echoes, sessions * window, timeMs) };
  }

  /** Throws if the server has not applied each request of the sessions once. */
  async checkCount(): Promise<void> {
    const { counted } = await this.#server.statistics();
    if (counted === this.#answered) return;
    throw new Error(`the server has applied ${counted} requests, and ${this.#answered} were answered`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Without their server, sessions end with their connections.
    const open = this.#server.gone.aborted ? [] : this.#sessions;
    const closing = open.map((session) => session.close({ timeoutMs: closeTimeoutMs }));
    // Why one cannot be closed is told by whoever has called the server.
    await Promise.allSettled(closing);
    await Promise.all(this.#connections.map((connection) => connection[Symbol.asyncDispose]()));
  }

  async #measure(echoes: readonly Echo[], lanes: number, timeMs: number): Promise<Measured> {
    const before = await this.#server.statistics();
    const client = process.cpuUsage();
    const start = performance.now();
    let count = 0;
    const running = runLanes(lanes, timeMs, async (lane) => {
      await itemAt(echoes, lane)({ payload });
      count += 1;
    });
    // A session would wait for its server to come back.
    await unlessAborted(running, this.#server.gone);
    const perSecond = (count / (performance.now() - start)) * 1_000;
    const { user, system } = process.cpuUsage(client);
    const { cpuMicros } = await this.#server.statistics();
    return {
      perSecond,
      cpu: { serverMicros: (cpuMicros - before.cpuMicros) / count, clientMicros: (user + system) / count },
    };
  }
}

/** Bytes of the payload of a request. */
export const payloadBytes = 16;
const payload = new Uint8Array(payloadBytes).fill(0x5a);

const closeTimeoutMs = 5_000;

/** Settles as the work does, or rejects with the reason of the signal; what becomes of the work then is not told. */
function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = () => reject(new Error(textOf(signal.reason)));
    signal.addEventListener("abort", aborted, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", aborted));
    if (signal.aborted) aborted();
  });
}

/** From the first one on again behind the last one. */
function itemAt<Item>(items: readonly Item[], at: number): Item {
  const item = items[at % items.length];
  if (item === undefined) throw new Error("there is none");
  return item;
}
