import type { makeClusterFault } from "../../../examples/bank/cluster/make-cluster-fault.js";
import type { runClusterSteps } from "../../../examples/bank/cluster/run-cluster-steps.js";
import { BankClients } from "../../../examples/bank/demo/bank-clients.js";
import type { ClientReport, ServerState } from "../../../examples/bank/demo/commands.js";
import type { IdleProcess } from "./idle-process.js";

/** A cluster that consists of what the demo is told of it. */
export interface FakeCluster {
  /** What became of it, in order. */
  readonly calls: string[];
  readonly site: Parameters<typeof makeClusterFault>[1];
  readonly scene: Parameters<typeof runClusterSteps>[1];
  /** From now on nobody answers. */
  readonly close: () => void;
}

/** What a fake cluster comes to, where that is not what it should. */
export interface FakeClusterOptions {
  /** What every client reports. */
  readonly client?: Partial<ClientReport>;
  /** The state of the last server. */
  readonly state?: Partial<ServerState>;
  /** Where the log ends. */
  readonly end?: number;
  /** The process of every server. */
  readonly idle?: IdleProcess;
  /** Clients stay where they are, whatever becomes of the server. */
  readonly stay?: boolean;
}

const users = ["alice", "bob", "carol", "dave", "erin", "frank"];

/** Six clients at three servers, each of which goes on with its next one when its server is away. */
export function fakeCluster({
  client,
  state,
  end = 2_048,
  idle,
  stay = false,
}: FakeClusterOptions = {}): FakeCluster {
  const calls: string[] = [];
  const servers = [1, 2, 3].map((number) => fakeServer(`bank-${number}`, number, number === 3 ? state : {}));
  const clients = users.map((user, at) => fakeClient(user, at));
  let whileShort = 0;
  let isClosed = false;
  const checkOpen = () => {
    if (isClosed) throw new Error("nobody is there");
  };

  function fakeServer(name: string, port: number, own: Partial<ServerState> = {}) {
    let open = 0;
    const up = (isUp: boolean, what: string) => {
      calls.push(`${name} ${what}`);
      place.isUp = isUp;
    };
    const how = () => (idle?.isStopped() ? "stopped" : "running");
    const server = {
      name,
      start: async () => {
        if (!place.isUp) up(true, "started");
        return `127.0.0.1:${port}`;
      },
      kill: async (afterMs = 0) => up(false, `killed after ${afterMs}`),
      isolate: () => up(false, `isolated while ${how()}`),
      join: () => up(true, `joined while ${how()}`),
      pid: async () => idle?.pid ?? 0,
      hasTransfer: async () => true,
      state: async () => {
        checkOpen();
        return { op: 2_048, digest: "aa", sessions: open, ...own };
      },
      totals: async () => ({
        ...{ joined: 1, replayed: 9, appliedOp: 2_048, snapshots: 3, restores: 2, reloads: 1 },
        sessions: open,
      }),
      stop: async () => 0,
    };
    const proxy = {
      port,
      lose: (direction: string) => calls.push(`${name} loses ${direction}`),
      cut: () => calls.push(`${name} cut`),
      lostBytes: 0,
    };
    const place = { isUp: true, server, proxy, setOpen: (count: number) => (open = count) };
    return place;
  }

  function fakeClient(user: string, at: number) {
    const preferred = [0, 1, 2].flatMap((next) => servers[(at + next) % 3] ?? []);
    let [place] = preferred;
    let answered = 0;
    // Not before it is looked for: who comes back at once has it still.
    const move = () => {
      if (place?.isUp || stay) return;
      place = preferred.find(({ isUp }) => isUp);
      if (place !== undefined) calls.push(`${user} at ${place.server.name}`);
    };
    const commands: Readonly<Record<string, () => unknown>> = {
      place: () => {
        move();
        return {
          address: `127.0.0.1:${place?.proxy.port}`,
          connected: servers.filter(({ isUp }) => isUp).length,
        };
      },
      close: () => servers.map(({ setOpen }) => setOpen(0)),
      progress: () => {
        if (!etcd.isShort) return (answered += 50);
        if (++whileShort === 3 * users.length) calls.push("transfers went on");
        return ++answered;
      },
      transferOnce: () => calls.push(`${user} transfers once`) && `${user}-1`,
      takePause: () => 40 + at,
      stop: () => 50,
      compare: () => ({
        ...{ transfers: 50, refused: 3, audits: 2, registrations: 3, failOvers: 2 },
        ...{ retries: 9, replays: 4, ledger: 300 },
        ...client,
      }),
    };
    return {
      login: { kind: "password", user },
      worker: {
        name: user,
        run: async (name: string) => {
          checkOpen();
          return commands[name]?.();
        },
        stop: async () => 0,
      },
    };
  }

  const etcd = fakeEtcd(calls);
  const scene = { etcd, servers, clients, endOfLog: async () => end } as never;
  const site = {
    ...(scene as FakeCluster["scene"]),
    clients: new BankClients(clients as never),
    sessions: true,
    pauseMs: 1_010,
  };
  const close = () => {
    isClosed = true;
  };
  return { calls, scene, site, close };
}

function fakeEtcd(calls: string[]) {
  let down = "";
  const members = ["member-1", "member-2", "member-3"].map((name) => ({
    name,
    kill: async () => {
      calls.push(`${name} killed`);
      down = name;
    },
    start: async () => {
      calls.push(`${name} started`);
      down = "";
    },
  }));
  return {
    leader: async () => members.find(({ name }) => name !== down),
    get isShort() {
      return down !== "";
    },
  };
}
