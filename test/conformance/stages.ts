import type {
  Configuration,
  ConnectOptions,
  HandlerContext,
  OwnedConfiguration,
  QuorateEvent,
  Router,
} from "quorate";
import { createClient } from "quorate";
import { createLocalCluster, type LocalCluster } from "quorate/testing";
import type { EchoRequest } from "../gen/test/v1/test_pb.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";

export const transports = ["memory", "loopback"] as const;
export type TransportName = (typeof transports)[number];

/** What a handler of this suite returns: the reply, whatever the types say. */
export type Handle = (request: EchoRequest, context: HandlerContext, node: number) => unknown;

/** Three nodes that answer, seen from whoever calls them in one of the {@link ways}. */
export interface Stage extends AsyncDisposable {
  readonly targets: Configuration;
  /** The metadata of the streams on which the calls go, as far as the user of the library gives it. */
  readonly streamMetadata: readonly string[];
  /** Events of those who answer. */
  readonly events: QuorateEvent[];
  /** What every node answers with. */
  handle: Handle;
  /** Makes calls from where the way says: from outside of handlers or from inside of one. */
  run<T>(body: (targets: Configuration) => Promise<T>): Promise<T>;
  /** Takes the last node away; resolves once the caller can know. */
  takeDown(): Promise<void>;
}

export interface StageOptions {
  readonly maskErrors?: boolean;
}

/** One way in which calls go from one process to others. */
export interface Way {
  readonly name: string;
  /** Whether the caller dialled the streams, and dials them again. */
  readonly dials: boolean;
  readonly open: (transport: TransportName, options?: StageOptions) => Promise<Stage>;
}

export const ways: readonly Way[] = [
  {
    name: "a client's calls to servers",
    dials: true,
    open: async (transport, options) => {
      const { cluster, stage } = await openCluster(3, transport, options);
      const client = await connected(cluster.connect({ metadata: { key: "stream" } }));
      return stage({
        targets: client,
        streamMetadata: ["stream"],
        takeDown: () => serverAt(cluster, 3).close(),
      });
    },
  },
  {
    name: "calls of a handler of a client to servers",
    dials: true,
    open: async (transport, options) => {
      const { cluster, stage, serve } = await openCluster(3, transport, options);
      const client = await connected(cluster.connect({ metadata: { key: "stream" }, routes: serve(0) }));
      const server = serverAt(cluster, 1);
      await server.waitForClients(1);
      return stage({
        targets: client,
        streamMetadata: ["stream"],
        trigger: server.clients,
        inside: (context) => context.peers,
        takeDown: () => serverAt(cluster, 3).close(),
      });
    },
  },
  {
    name: "a server's calls to its clients",
    dials: false,
    open: async (transport, options) => {
      const { cluster, stage, serve, onEvent } = await openCluster(1, transport, options);
      const clients = await connectClients(cluster, serve, { ...options, onEvent });
      const server = serverAt(cluster, 1);
      return stage({
        targets: server.clients,
        takeDown: async () => {
          await clients.at(-1)?.close();
          await server.waitForClients(({ size }) => size === 2);
        },
      });
    },
  },
  {
    name: "calls of a handler to the clients of its server",
    dials: false,
    open: async (transport, options) => {
      const { cluster, stage, serve, onEvent } = await openCluster(1, transport, options);
      const clients = await connectClients(cluster, serve, { ...options, onEvent });
      const server = serverAt(cluster, 1);
      return stage({
        targets: server.clients,
        trigger: clients[0],
        inside: (context) => context.clients,
        takeDown: async () => {
          await clients.at(-1)?.close();
          await server.waitForClients(({ size }) => size === 2);
        },
      });
    },
  },
  {
    name: "a server's calls to its peers and itself",
    dials: false,
    open: async (transport, options) => {
      const { cluster, stage } = await openCluster(3, transport, options);
      const server = serverAt(cluster, 1);
      return stage({ targets: server.peers, takeDown: () => takePeerDown(cluster) });
    },
  },
  {
    name: "calls of a handler to the peers of its server and to itself",
    dials: false,
    open: async (transport, options) => {
      const { cluster, stage } = await openCluster(3, transport, options);
      const client = await connected(cluster.connect());
      return stage({
        targets: serverAt(cluster, 1).peers,
        trigger: client,
        inside: (context) => context.peers,
        takeDown: () => takePeerDown(cluster),
      });
    },
  },
  {
    name: "a server's calls to the nodes that it dialled and to itself",
    dials: true,
    open: async (transport, options) => {
      const { cluster, stage } = await openCluster(3, transport, options);
      const server = serverAt(cluster, 1);
      return stage({ targets: server.configuration, takeDown: () => serverAt(cluster, 3).close() });
    },
  },
];

export function serverAt(cluster: LocalCluster, id: number) {
  const server = cluster.servers[id - 1];
  if (server === undefined) throw new Error(`there is no server ${id}`);
  return server;
}

/** A configuration once all its streams are up. */
export async function connected<T extends Configuration>(connecting: Promise<T>): Promise<T> {
  const configuration = await connecting;
  await eventually(() => configuration.nodes.every((node) => node.connected), "all streams");
  return configuration;
}

interface StageInit {
  readonly targets: Configuration;
  readonly streamMetadata?: readonly string[];
  /** Calls its first node to run a handler. */
  readonly trigger?: Configuration | undefined;
  readonly inside?: (context: HandlerContext) => Configuration;
  readonly takeDown: () => Promise<void>;
}

async function openCluster(size: number, transport: TransportName, options: StageOptions = {}) {
  const events: QuorateEvent[] = [];
  const onEvent = (event: QuorateEvent) => void events.push(event);
  let handle: Handle = ({ value }, _, node) => ({ value: `echo: ${value}`, server: node });
  let inside: (context: HandlerContext) => Promise<void> = async () => {};
  const serve = (node: number) => (router: Router) => {
    // The suite also returns what no typed handler could.
    const answer = (request: EchoRequest, context: HandlerContext) =>
      handle(request, context, node) as Promise<{ value: string }>;
    router.service(Test, {
      echoRPC: answer,
      echoUnicast: answer,
      echoMulticast: answer,
      echoQC: answer,
      echoPlain: async (_, context) => {
        await inside(context);
        return {};
      },
      echoCorrectable: async (request, context) => [await answer(request, context)],
    });
  };
  const cluster = await createLocalCluster(size, {
    ...options,
    transport,
    onEvent,
    routes: (router, node) => serve(node)(router),
  });
  const stage = async (init: StageInit): Promise<Stage> => {
    const { targets, streamMetadata = [], trigger, inside: see, takeDown } = init;
    // A first reply shows that both sides know what the other takes.
    await createClient(Test, targets).echoQC({}).all();
    return {
      targets,
      streamMetadata,
      events,
      get handle() {
        return handle;
      },
      set handle(next: Handle) {
        handle = next;
      },
      takeDown,
      run: async (body) => {
        if (trigger === undefined || see === undefined) return body(targets);
        return new Promise((resolve, reject) => {
          inside = (context) => body(see(context)).then(resolve, reject);
          const [node] = trigger.nodes;
          if (node === undefined) throw new Error("nobody can be triggered");
          createClient(Test, node).echoPlain({}).catch(reject);
        });
      },
      [Symbol.asyncDispose]: () => cluster.close(),
    };
  };
  return { cluster, stage, serve, onEvent };
}

async function connectClients(
  cluster: LocalCluster,
  serve: (node: number) => (router: Router) => void,
  options: Omit<ConnectOptions, "nodes">,
): Promise<OwnedConfiguration[]> {
  const clients: OwnedConfiguration[] = [];
  for (const node of [1, 2, 3]) {
    clients.push(await cluster.connect({ ...options, routes: serve(node) }));
    await serverAt(cluster, 1).waitForClients(node);
  }
  return clients;
}

async function takePeerDown(cluster: LocalCluster): Promise<void> {
  await serverAt(cluster, 3).close();
  await serverAt(cluster, 1).waitForPeers(({ size }) => size === 2);
}
