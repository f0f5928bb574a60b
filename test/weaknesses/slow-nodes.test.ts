import {
  Code,
  type Configuration,
  connect,
  createClient,
  createServer,
  type HandlerContext,
  QuorumCallError,
  type Router,
  type Server,
} from "quorate";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { isSettled, rejectionOf } from "../calls/held-cluster.js";
import { connected, serverAt } from "../conformance/stages.js";
import type { EchoRequest } from "../gen/test/v1/test_pb.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";
import { turn } from "../helpers/turn.js";
import { createGate } from "../transport/gate.js";
import { openRawServer, openSilentListener } from "../transport/raw-peers.js";

checkLeaks();

const patient = { timeoutMs: Number.POSITIVE_INFINITY };

/** Two servers that answer, and note what they were told. */
async function openTwo() {
  const told: string[] = [];
  const servers = await Promise.all(
    [2, 3].map((id) =>
      createServer({
        address: "127.0.0.1:0",
        routes: (router) =>
          router.service(Test, { ...echoHandlers(id), echoMulticast: ({ value }) => void told.push(value) }),
      }),
    ),
  );
  return {
    told,
    addresses: servers.map(({ address }) => address),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(servers.map((server) => server.close()));
    },
  };
}

const silences = [
  // A connection on which no word comes, as behind a firewall that drops everything.
  { name: "to which no connection is made", open: () => openSilentListener(), up: false },
  { name: "that reads nothing", open: () => openRawServer(), up: true },
];

describe.each(silences)("a first node $name", ({ open, up }) => {
  it("[W-10] delays no other, and no deadline", async () => {
    await using lively = await openTwo();
    await using silent = await open();
    await using configuration = await connect({ nodes: [silent.address, ...lively.addresses] });
    await eventually(() => configuration.nodes.every(({ connected, id }) => connected || (id === 1 && !up)));
    const all = createClient(Test, configuration);
    const first = createClient(Test, configuration.node(1));
    // What waits for the first node fills what HTTP/2 takes of it.
    const stuck = first.echoUnicast({ data: new Uint8Array(1_000_000) }, patient).catch(() => {});
    const controller = new AbortController();
    const options = { ...patient, signal: controller.signal };
    const asked = all.echoQC({ value: "all" }, options);
    const wholly = rejectionOf(asked.all());
    const multicast = rejectionOf(all.echoMulticast({ value: "told" }, options));
    const servers = await asked.majority((replies) => replies.map(({ server }) => server));
    expect(servers.toSorted((a, b) => a - b)).toEqual([2, 3]);
    await eventually(() => lively.told.length === 2, "the multicast at the others");
    for (const timeoutMs of [20, 40]) {
      expect((await rejectionOf(first.echoRPC({}, { timeoutMs }))).code).toBe(Code.DeadlineExceeded);
    }
    expect(await isSettled(wholly)).toBe(false);
    controller.abort();
    expect((await wholly).code).toBe(Code.Canceled);
    expect((await multicast).code).toBe(Code.Canceled);
    expect(configuration.node(1).pendingCalls).toBe(1);
    await configuration.close({ graceMs: 0 });
    await stuck;
  });
});

describe("a busy handler of one's own", () => {
  /** Three replicas; the handler of the first for calls of itself waits for the gate. */
  async function openReplicas() {
    const gate = createGate();
    const handle =
      (node: number) =>
      async ({ value }: EchoRequest, { caller }: HandlerContext) => {
        if (caller?.id === node && node === 1) await gate.opened;
        return { value, server: node };
      };
    const cluster = await createLocalCluster(3, {
      transport: "loopback",
      routes: (router, node) =>
        router.service(Test, { ...echoHandlers(node), echoQC: handle(node), echoRPC: handle(node) }),
    });
    const self = serverAt(cluster, 1);
    await self.waitForPeers(3);
    await connected(Promise.resolve(self.configuration));
    const close = () => {
      gate.open();
      return cluster.close();
    };
    return { self, gate, [Symbol.asyncDispose]: close };
  }

  it.each(["peers", "configuration"] as const)(
    "[W-11] does not delay the call to the others of its %s",
    async (name) => {
      await using replicas = await openReplicas();
      const target = replicas.self[name];
      const busy = createClient(Test, target).echoQC({ value: "one" }, patient).all();
      const asked = createClient(Test, target).echoQC({ value: "two" }, patient);
      const servers = await asked.majority((replies) =>
        replies.map(({ server }) => server).sort((a, b) => a - b),
      );
      expect(servers).toEqual([2, 3]);
      expect(await isSettled(busy)).toBe(false);
      replicas.gate.open();
      await busy;
    },
  );

  it("[W-11] keeps no call beyond its deadline or its signal", async () => {
    await using replicas = await openReplicas();
    const node = createClient(Test, replicas.self.peers.node(1));
    const busy = node.echoRPC({ value: "one" }, patient);
    const controller = new AbortController();
    const late = rejectionOf(node.echoRPC({ value: "two" }, { timeoutMs: 40 }));
    const given = rejectionOf(node.echoRPC({ value: "three" }, { ...patient, signal: controller.signal }));
    controller.abort();
    expect((await given).code).toBe(Code.Canceled);
    expect((await late).code).toBe(Code.DeadlineExceeded);
    replicas.gate.open();
    await expect(busy).resolves.toMatchObject({ value: "one" });
  });
});

describe("replies that nobody reads", () => {
  /** Replies without end as long as somebody waits, and lets other requests of its stream run. */
  const endless = async function* (_: EchoRequest, { release, signal }: HandlerContext) {
    release();
    for (let at = 0; !signal.aborted; at++) {
      yield { value: `reply ${at}` };
      await turn();
    }
  };
  const serve = (id: number) => (router: Router) =>
    router.service(Test, { ...echoHandlers(id), echoCorrectable: endless });

  /** A client's call to a server, and a server's call to a client. */
  const ways = [
    { name: "a client", target: (client: Configuration) => client },
    { name: "a server", target: (_: Configuration, server: Server) => server.clients },
  ];

  it.each(ways)(
    "[W-13] by $name delay nobody: the node is read on, and the call fails at its bound",
    async ({ target }) => {
      const bound = { maxQueuedReplies: 20 };
      await using server = await createServer({ address: "127.0.0.1:0", routes: serve(1), ...bound });
      await using client = await connect({ nodes: [server.address], routes: serve(2), ...bound });
      await server.waitForClients(1);
      const peer = target(client, server);
      const [node] = peer.nodes;
      if (node === undefined) throw new Error("no node");
      const unread = createClient(Test, peer).echoCorrectable({}, patient)[Symbol.asyncIterator]();
      expect((await unread.next()).value).toMatchObject({ ok: true, value: { value: "reply 0" } });
      for (let at = 0; at < 100; at++) {
        const { value } = await createClient(Test, node).echoRPC({ value: String(at) }, patient);
        expect(value).toBe(`echo: ${at}`);
      }
      await eventually(() => node.pendingCalls === 0, "the end of the call that is not read");
      const left: unknown[] = [];
      for (let next = await unread.next(); next.done !== true; next = await unread.next()) {
        left.push(next.value.ok ? next.value.value.value : next.value.error.reason);
      }
      expect(left).toEqual([...Array.from({ length: 20 }, (_, at) => `reply ${at + 1}`), "REPLY_QUEUE_FULL"]);
      expect(node.connected).toBe(true);
    },
  );
});

describe("a threshold that is out of reach", () => {
  it("[W-15] fails at once, and one that may be reached says at its end that time ran out", async () => {
    await using lively = await openTwo();
    await using silent = await openSilentListener();
    await using configuration = await connect({
      nodes: { 1: silent.address, 2: lively.addresses[0] ?? "", 3: "127.0.0.1:1" },
      connectTimeoutMs: 60_000,
    });
    await eventually(() => configuration.node(2).connected, "the one that answers");
    const asked = createClient(Test, configuration).echoQC({}, { timeoutMs: 1_000 });
    const [all, majority] = await Promise.all([rejectionOf(asked.all()), rejectionOf(asked.majority())]);
    // The third node refuses connections, so all is lost long before the deadline.
    expect(all).toMatchObject({ code: Code.Unavailable, reason: "INCOMPLETE" });
    expect(majority).toMatchObject({ code: Code.DeadlineExceeded, reason: "ENDED" });
    if (!(majority instanceof QuorumCallError)) throw majority;
    expect([...majority.nodeErrors.keys()]).toEqual([3]);
    expect(majority.unanswered.map(({ id }) => id)).toEqual([1]);
  });
});
