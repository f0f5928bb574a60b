import { Code, type Configuration, createClient, drop, QuorateError, skip } from "quorate";
import { contextSession, trackPeers } from "quorate/context";
import { createLocalCluster, type LocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import type { ClientInterceptor } from "../../src/configuration/client-interceptor.js";
import { unmanaged } from "../../src/sessions/client/unmanaged.js";
import { rejectionOf } from "../calls/held-cluster.js";
import { serverAt } from "../conformance/stages.js";
import { Register } from "../gen/register/v1/register_quorate.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { checkLeaks } from "../helpers/leaks.js";
import { callbackHandlers, echoHandlers } from "../helpers/test-service.js";
import { fast, ScriptedServers } from "../sessions/client/scripted-servers.js";
import { answered, countsOf, failed } from "./peer-counts.js";

checkLeaks();

const refusal = new QuorateError(Code.NotFound, "not here");

/** Three servers, of which the second has nothing for anybody; trackPeers() is among the interceptors of its clients. */
function openCluster(clientInterceptors: readonly ClientInterceptor[] = [trackPeers()]) {
  return createLocalCluster(3, {
    clientInterceptors,
    routes: (router, node) => {
      const echo = echoHandlers(node);
      const refuse = () => {
        throw refusal;
      };
      const handlers = node === 2 ? { ...echo, echoRPC: refuse, echoQC: refuse } : echo;
      router.service(Test, handlers);
    },
  });
}

async function connectTracked(cluster: LocalCluster, interceptors = [trackPeers()]): Promise<Configuration> {
  return cluster.connect({ clientInterceptors: interceptors });
}

interface CallTypeRow {
  readonly type: string;
  readonly call: (client: Configuration) => Promise<unknown>;
  readonly counts: Record<number, string>;
  readonly isTimed: boolean;
}

const rows: readonly CallTypeRow[] = [
  {
    type: "rpc",
    call: (client) => createClient(Test, client.node(1)).echoRPC({}),
    counts: { 1: answered },
    isTimed: true,
  },
  {
    type: "rpc that fails",
    call: (client) => rejectionOf(createClient(Test, client.node(2)).echoRPC({})),
    counts: { 2: failed },
    isTimed: true,
  },
  {
    type: "unicast",
    call: (client) => createClient(Test, client.node(1)).echoUnicast({}),
    counts: { 1: answered },
    isTimed: false,
  },
  {
    type: "multicast",
    call: (client) => createClient(Test, client).echoMulticast({}),
    counts: { 1: answered, 2: answered, 3: answered },
    isTimed: false,
  },
  {
    type: "quorum call",
    call: (client) => createClient(Test, client).echoQC({}).collect(),
    counts: { 1: answered, 2: failed, 3: answered },
    isTimed: true,
  },
  {
    type: "call with many replies, of which the first counts",
    call: (client) => createClient(Test, client).echoCorrectable({}).collect(),
    counts: { 1: answered, 2: answered, 3: answered },
    isTimed: true,
  },
];

describe("trackPeers", () => {
  it.each(rows)("tells the session of each node of a $type", async ({ call, counts, isTimed }) => {
    await using cluster = await openCluster();
    const client = await connectTracked(cluster);
    await contextSession.begin(async (session) => {
      await call(client);
      expect(countsOf(session)).toEqual(counts);
      for (const { lastUsedMs, latencyMs } of session.peers()) {
        expect(lastUsedMs).toBeGreaterThan(0);
        expect(latencyMs !== undefined).toBe(isTimed);
      }
    });
  });

  it("tells of the calls of a server: to itself, its peers and its clients", async () => {
    await using cluster = await openCluster();
    await cluster.connect({ routes: (router) => router.service(Callback, callbackHandlers()) });
    const server = serverAt(cluster, 1);
    await server.waitForClients(1);
    await contextSession.begin(async (session) => {
      await createClient(Test, server.peers).echoQC({}).collect();
      expect(countsOf(session)).toEqual({ 1: answered, 2: failed, 3: answered });
      await createClient(Callback, server.clients).askAll({}).all();
      const [client] = server.clients.nodes;
      expect(session.peers().find(({ node }) => node === client)).toMatchObject({ successes: 1 });
    });
  });

  it("tells of a client session's calls at the server that answered", async () => {
    await using servers = await ScriptedServers.start(2);
    const configuration = await servers.connect({ clientInterceptors: [trackPeers()] });
    await using opened = await servers.openOn(configuration);
    const register = createClient(Register, opened);
    await contextSession.begin(async (session) => {
      await register.append({});
      expect(countsOf(session)).toEqual({ 1: answered });
      servers.on("Append", (one) => {
        servers.heal("Append");
        servers.break(one.server, "down");
      });
      await register.append({});
      expect(countsOf(session)).toEqual({ 1: answered, 2: answered });
      servers.on("Read", (one) => one.throwAt(20, refusal));
      await rejectionOf(register.read({}));
      expect(countsOf(session)).toEqual({ 1: answered, 2: "1 ok, 1 failed, 0 open" });
    });
  });

  it("tells of unmanaged calls", async () => {
    await using servers = await ScriptedServers.start(2);
    const configuration = await servers.connect({ clientInterceptors: [trackPeers()] });
    const { prefer, backoff } = fast;
    const target = unmanaged(configuration, { ...(prefer && { prefer }), ...(backoff && { backoff }) });
    await contextSession.begin(async (session) => {
      await createClient(Register, target).append({});
      expect(countsOf(session)).toEqual({ 1: answered });
    });
  });

  it("counts a call once, however often it is registered", async () => {
    await using cluster = await openCluster();
    const [first, second] = [trackPeers(), trackPeers()];
    const client = await connectTracked(cluster, [first, first]);
    const test = createClient(Test, client, { interceptors: [second, trackPeers()] });
    await contextSession.begin(async (session) => {
      await Promise.all([test.echoQC({}).collect(), test.echoQC({}).collect()]);
      expect(countsOf(session)).toEqual({
        1: "2 ok, 0 failed, 0 open",
        2: "0 ok, 2 failed, 0 open",
        3: "2 ok, 0 failed, 0 open",
      });
    });
  });

  it("counts what each session called, and nothing outside of them", async () => {
    await using cluster = await openCluster();
    const client = await connectTracked(cluster);
    const call = (id: number) => createClient(Test, client.node(id)).echoRPC({});
    await contextSession.begin(async (session) => {
      const [, forked] = await Promise.all([
        call(1),
        contextSession.fork(async (child) => {
          await call(3);
          return countsOf(child);
        }),
        contextSession.leave(() => call(3)),
      ]);
      expect(forked).toEqual({ 3: answered });
      expect(countsOf(session)).toEqual({ 1: answered });
    });
  });

  it("counts nodes that interceptors skip, or whose responses they drop, as they see them", async () => {
    await using cluster = await openCluster();
    const client = await connectTracked(cluster);
    const test = createClient(Test, client, {
      interceptors: [
        () => ({
          request: (request, node) => (node.id === 1 ? skip : request),
          response: ({ node }) => (node.id === 3 ? drop : undefined),
        }),
      ],
    });
    await contextSession.begin(async (session) => {
      await test.echoQC({}).collect();
      // The one that was skipped was not used; the other did answer, and trackPeers() saw that first.
      expect(countsOf(session)).toEqual({ 2: failed, 3: answered });
    });
  });
});

describe("isUseful", () => {
  it("says which replies were of use", async () => {
    await using cluster = await openCluster();
    const seen: string[] = [];
    const isUseful: NonNullable<Parameters<typeof trackPeers>[0]>["isUseful"] = (reply, call) => {
      seen.push(`${call.method} ${call.callType} ${reply.$typeName}`);
      return "server" in reply && reply.server === 3;
    };
    const client = await connectTracked(cluster, [trackPeers({ isUseful })]);
    await contextSession.begin(async (session) => {
      await createClient(Test, client).echoQC({}).collect();
      expect(countsOf(session)).toEqual({ 1: failed, 2: failed, 3: answered });
      expect(session.peers()[0]?.node.id).toBe(3);
    });
    // An error is no reply.
    expect(seen).toEqual(Array(2).fill("test.v1.Test.EchoQC quorumCall test.v1.EchoResponse"));
  });

  it("that throws fails the node, with what it threw", async () => {
    await using cluster = await openCluster();
    const isUseful = () => {
      throw new RangeError("unreadable");
    };
    const client = await connectTracked(cluster, [trackPeers({ isUseful })]);
    await contextSession.begin(async () => {
      const error = await rejectionOf(createClient(Test, client.node(1)).echoRPC({}));
      expect(error.message).toBe("unreadable");
    });
  });

  it.each([null, 5, "yes", {}])("cannot be %o", (isUseful) => {
    const refused = expect.objectContaining({ code: Code.InvalidArgument });
    expect(() => trackPeers({ isUseful: isUseful as never })).toThrow(refused);
  });
});
