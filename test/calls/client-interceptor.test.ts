import {
  type CallHooks,
  type ClientCall,
  type ClientInterceptor,
  Code,
  createClient,
  drop,
  mapRequest,
  mapResponse,
  type NodeResponse,
  QuorateError,
  QuorumCallError,
  skip,
} from "quorate";
import { createLocalCluster, type LocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import type { EchoRequest, EchoResponse } from "../gen/test/v1/test_pb.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";
import { rejectionOf } from "./held-cluster.js";

checkLeaks();

/** What each node received, by one-way calls and by others. */
interface Received extends AsyncDisposable {
  readonly cluster: LocalCluster;
  readonly at: (node: number) => string[];
}

async function receivingCluster(size: number): Promise<Received> {
  const received = new Map<number, string[]>();
  const at = (node: number) => {
    const values = received.get(node) ?? [];
    received.set(node, values);
    return values;
  };
  const cluster = await createLocalCluster(size, {
    routes: (router, node) => {
      const note = ({ value }: EchoRequest) => {
        at(node).push(value);
        return { value: `${value} at ${node}`, server: node };
      };
      router.service(Test, {
        echoRPC: note,
        echoPlain: (_, { metadata }) => ({ value: metadata.getAll("who").join() }),
        echoQC: note,
        echoUnicast: note,
        echoMulticast: note,
        echoCorrectable: (request) => [note(request), note(request)],
      });
    },
  });
  return { cluster, at, [Symbol.asyncDispose]: () => cluster.close() };
}

/** Passes everything, and keeps what it saw. */
function observing(seen: string[], name = "") {
  return <Request, Reply>(call: ClientCall<Request>): CallHooks<Request, Reply> => {
    seen.push(`${name}${call.method} ${call.callType} ${call.configuration}`);
    return {
      response: (response) => {
        seen.push(`${name}${response.node.id} ${response.ok ? "ok" : response.error.code}`);
      },
    };
  };
}

/** Appends a word to the request, and one to each reply. */
const appending =
  (word: string): ClientInterceptor<EchoRequest, EchoResponse> =>
  () => ({
    request: (request) => ({ ...request, value: `${request.value} ${word}-out` }),
    response: (response) =>
      response.ok
        ? { ...response, value: { ...response.value, value: `${response.value.value} ${word}-in` } }
        : response,
  });

const perNode = mapRequest<EchoRequest, EchoResponse>((request, node) => ({
  ...request,
  value: `${request.value}${node.id}`,
}));

describe("a client interceptor", () => {
  it("[CI-01] [CI-09] sees the call, its nodes and each response, and changes nothing", async () => {
    await using servers = await receivingCluster(3);
    const seen: string[] = [];
    let call: ClientCall | undefined;
    const test = createClient(Test, await servers.cluster.connect(), {
      interceptors: [
        observing(seen),
        (given) => {
          call = given;
          return undefined;
        },
      ],
    });
    expect((await test.echoQC({ value: "x" }).all()).value).toMatch(/^x at [123]$/);
    expect(seen[0]).toBe("test.v1.Test.EchoQC quorumCall {1, 2, 3}");
    expect(seen.slice(1).toSorted()).toEqual(["1 ok", "2 ok", "3 ok"]);
    expect(call?.request).toMatchObject({ $typeName: "test.v1.EchoRequest", value: "x" });
    expect(call?.configuration.size).toBe(3);
    expect(call?.configuration.node(2).id).toBe(2);
    expect(call?.configuration.has(9)).toBe(false);
  });

  it("[CI-02] may drop responses, which then neither count nor are yielded", async () => {
    await using servers = await receivingCluster(3);
    const onlyTwo: ClientInterceptor = () => ({
      response: (response) => (response.node.id === 2 ? response : drop),
    });
    const test = createClient(Test, await servers.cluster.connect(), { interceptors: [onlyTwo] });
    expect((await test.echoQC({ value: "x" }).first()).value).toBe("x at 2");
    expect([...(await test.echoQC({ value: "x" }).collect()).keys()]).toEqual([2]);
    const error = await rejectionOf(test.echoQC({ value: "x" }).majority());
    expect(error).toMatchObject({ reason: "INCOMPLETE" });
    expect([...(await test.echoCorrectable({ value: "x" }).collect()).keys()]).toEqual([2]);
  });

  it("[CI-03] [CI-05] maps requests and responses in the order of registration", async () => {
    await using servers = await receivingCluster(3);
    const client = await servers.cluster.connect({
      clientInterceptors: [appending("connection") as ClientInterceptor],
    });
    const test = createClient(Test, client, { interceptors: [appending("client") as ClientInterceptor] });
    const reply = await test.echoQC({ value: "x" }, { interceptors: [appending("call"), perNode] }).all();
    const sent = `x connection-out client-out call-out${reply.server}`;
    expect(reply.value).toBe(`${sent} at ${reply.server} connection-in client-in call-in`);
    for (const node of [1, 2, 3]) {
      expect(servers.at(node)).toEqual([`x connection-out client-out call-out${node}`]);
    }
  });

  it("[CI-04] sees every response of all() once, beside a request map", async () => {
    await using servers = await receivingCluster(3);
    const seen: NodeResponse<unknown>[] = [];
    const counting: ClientInterceptor = () => ({ response: (response) => void seen.push(response) });
    const identity = mapRequest<EchoRequest, EchoResponse>((request) => request);
    const test = createClient(Test, await servers.cluster.connect(), { interceptors: [counting] });
    await test.echoQC({ value: "x" }, { interceptors: [identity] }).all();
    expect(seen).toHaveLength(3);
  });

  it("[CI-08] maps each reply with its node, and lets errors pass", async () => {
    await using cluster = await createLocalCluster(2, {
      routes: (router, node) =>
        router.service(Test, {
          ...echoHandlers(node),
          echoQC: ({ value }) => {
            if (node === 2) throw new QuorateError(Code.NotFound, "not here");
            return { value };
          },
        }),
    });
    const test = createClient(Test, await cluster.connect());
    const named = mapResponse<EchoRequest, EchoResponse>((reply, node) => ({
      ...reply,
      value: `${reply.value} of ${node.id}`,
    }));
    const responses = await test.echoQC({ value: "x" }, { interceptors: [named] }).collect();
    expect(responses.get(1)).toMatchObject({ ok: true, value: { value: "x of 1" } });
    expect(responses.get(2)).toMatchObject({ ok: false, error: { code: Code.NotFound } });
  });

  it("sees the failure of every node that has not answered when the call ends", async () => {
    await using cluster = await createLocalCluster(2, {
      routes: (router, node) =>
        router.service(Test, {
          ...echoHandlers(node),
          echoQC: ({ value }, { signal }) =>
            node === 1
              ? { value }
              : new Promise((resolve) => signal.addEventListener("abort", () => resolve({}))),
        }),
    });
    const seen: string[] = [];
    const test = createClient(Test, await cluster.connect(), { interceptors: [observing(seen)] });
    await rejectionOf(test.echoQC({}, { timeoutMs: 60 }).all());
    expect(seen.slice(1)).toEqual(["1 ok", `2 ${Code.DeadlineExceeded}`]);
  });

  it("[W-31] works for every way of calling", async () => {
    await using servers = await receivingCluster(2);
    const seen: string[] = [];
    const client = await servers.cluster.connect({ clientInterceptors: [observing(seen)] });
    const all = createClient(Test, client);
    const one = createClient(Test, client.node(1));
    const interceptors = [perNode];
    await one.echoRPC({ value: "rpc" }, { interceptors });
    await one.echoUnicast(
      { value: "ucast" },
      { interceptors: [mapRequest((r) => ({ ...r, value: "mapped" }))] },
    );
    await all.echoMulticast(
      { value: "mcast" },
      { interceptors: [mapRequest((r, { id }) => ({ ...r, value: `m${id}` }))] },
    );
    await all.echoQC({ value: "qc" }, { interceptors }).all();
    await all.echoCorrectable({ value: "s" }, { interceptors }).collect();
    expect(servers.at(1)).toEqual(["rpc1", "mapped", "m1", "qc1", "s1", "s1"]);
    expect(servers.at(2)).toEqual(["m2", "qc2", "s2", "s2"]);
    expect(seen.filter((one_) => one_.startsWith("test."))).toEqual([
      "test.v1.Test.EchoRPC rpc {1}",
      "test.v1.Test.EchoUnicast unicast {1}",
      "test.v1.Test.EchoMulticast multicast {1, 2}",
      "test.v1.Test.EchoQC quorumCall {1, 2}",
      "test.v1.Test.EchoCorrectable correctable {1, 2}",
    ]);
    expect(seen.filter((one_) => one_ === "1 ok")).toHaveLength(6);
  });

  it("works on the calls of a server to its clients and peers", async () => {
    const seen: string[] = [];
    await using cluster = await createLocalCluster(2, {
      clientInterceptors: [observing(seen)],
      routes: (router, node) => router.service(Test, echoHandlers(node)),
    });
    const [server] = cluster.servers;
    if (server === undefined) throw new Error("no server");
    await createClient(Test, server.peers).echoQC({ value: "x" }).all();
    await createClient(Test, server.configuration).echoQC({ value: "x" }).all();
    expect(seen.filter((line) => line.startsWith("test."))).toHaveLength(2);
  });

  it("adds metadata behind that of the caller, which later interceptors see", async () => {
    await using servers = await receivingCluster(1);
    const seen: (string | undefined)[] = [];
    const test = createClient(Test, (await servers.cluster.connect()).node(1), {
      interceptors: [
        () => ({ metadata: { who: "first" } }),
        ({ metadata }) => {
          seen.push(...metadata.getAll("who"));
          return { metadata: { who: ["second", "third"] } };
        },
      ],
    });
    expect((await test.echoPlain({}, { metadata: { who: "caller" } })).value).toBe(
      "caller,first,second,third",
    );
    expect(seen).toEqual(["caller", "first"]);
  });

  it("fails the call with what it throws, before anything is sent", async () => {
    await using servers = await receivingCluster(2);
    const client = await servers.cluster.connect();
    const interceptors = [
      () => {
        throw new QuorateError(Code.FailedPrecondition, "not logged in");
      },
    ];
    const all = createClient(Test, client, { interceptors });
    const one = createClient(Test, client.node(1), { interceptors });
    const failures = [
      all.echoQC({}).majority(),
      all.echoMulticast({}, { ignoreErrors: true }),
      all.echoCorrectable({}).collect(),
      one.echoRPC({}),
      one.echoUnicast({}),
    ];
    for (const failure of failures) {
      expect(await rejectionOf(failure as Promise<unknown>)).toMatchObject({ message: "not logged in" });
    }
    expect(client.nodes.map((node) => node.pendingCalls)).toEqual([0, 0]);
    expect([...servers.at(1), ...servers.at(2)]).toEqual([]);
  });

  it("fails one node with what a hook throws for it", async () => {
    await using servers = await receivingCluster(3);
    const test = createClient(Test, await servers.cluster.connect());
    const failing: ClientInterceptor<EchoRequest, EchoResponse> = () => ({
      request: (request, node) => {
        if (node.id === 1) throw new RangeError("no request for 1");
        return request;
      },
      response: (response) => {
        if (response.node.id === 2) throw new RangeError("cannot read 2");
      },
    });
    const responses = await test.echoQC({ value: "x" }, { interceptors: [failing] }).collect();
    expect(responses.get(1)).toMatchObject({ ok: false, error: { message: "no request for 1" } });
    expect(responses.get(2)).toMatchObject({ ok: false, error: { message: "cannot read 2" } });
    expect(responses.get(3)).toMatchObject({ ok: true });
    expect(servers.at(1)).toEqual([]);
  });

  it.each([5, "logging", {}, null, [undefined]])(
    "refuses %o as the list of interceptors",
    async (interceptors) => {
      await using servers = await receivingCluster(1);
      const client = await servers.cluster.connect();
      const refused = expect.objectContaining({ code: Code.InvalidArgument });
      expect(() => createClient(Test, client, { interceptors: interceptors as never })).toThrow(refused);
      const options = { clientInterceptors: interceptors as never };
      await expect(servers.cluster.connect(options)).rejects.toEqual(refused);
      const call = createClient(Test, client).echoQC({}, { interceptors: interceptors as never });
      expect(await rejectionOf(call.first())).toMatchObject({ code: Code.InvalidArgument });
    },
  );
});

/** Asks only the nodes of these ids. */
const asking = (...ids: number[]) =>
  mapRequest<EchoRequest, never>((request, node) => (ids.includes(node.id) ? request : skip));

describe("a skipped node", () => {
  it("[CI-06] [MC-06] is sent nothing, and a one-way call succeeds without it", async () => {
    await using servers = await receivingCluster(3);
    const client = await servers.cluster.connect();
    const all = createClient(Test, client);
    await all.echoMulticast({ value: "some" }, { interceptors: [asking(1, 3)] });
    await all.echoMulticast({ value: "none" }, { interceptors: [asking()] });
    await createClient(Test, client.node(2)).echoUnicast({ value: "no" }, { interceptors: [asking(1)] });
    await all.echoQC({ value: "end" }).all();
    expect([1, 2, 3].map((node) => servers.at(node))).toEqual([["some", "end"], ["end"], ["some", "end"]]);
  });

  it("[CI-06] is one for which a map without types returns nothing", async () => {
    await using servers = await receivingCluster(2);
    const onlyOne = (request: EchoRequest, node: { id: number }) => (node.id === 1 ? request : undefined);
    const all = createClient(Test, await servers.cluster.connect());
    await all.echoMulticast({ value: "x" }, { interceptors: [mapRequest(onlyOne as never)] });
    await all.echoQC({ value: "end" }).all();
    expect([1, 2].map((node) => servers.at(node))).toEqual([["x", "end"], ["end"]]);
  });

  it("[W-05] is no reply to a quorum call, and not waited for: a majority is one of the whole configuration", async () => {
    await using servers = await receivingCluster(3);
    const test = createClient(Test, await servers.cluster.connect());
    const alone = test.echoQC({ value: "x" }, { interceptors: [asking(2)] });
    const error = await rejectionOf(alone.majority());
    expect(error).toBeInstanceOf(QuorumCallError);
    expect(error).toMatchObject({ reason: "INCOMPLETE", nodeErrors: new Map(), unanswered: [{ id: 2 }] });
    expect(error.message).toContain("0 of 2 replies from 3 nodes");
    const two = test.echoQC({ value: "y" }, { interceptors: [asking(1, 2)] });
    expect((await two.majority()).value).toMatch(/^y at [12]$/);
    expect(await two.all((replies) => replies.length)).toBe(2);
    expect(new Set((await two.collect()).keys())).toEqual(new Set([1, 2]));
    expect((await test.echoQC({ value: "z" }, { interceptors: [asking(3)] }).first()).value).toBe("z at 3");
    expect(servers.at(1)).toEqual(["y"]);
  });

  it("[W-05] counts for no correctable, and nobody at all is asked where all are skipped", async () => {
    await using servers = await receivingCluster(3);
    const client = await servers.cluster.connect();
    const test = createClient(Test, client);
    const two = test.echoQC({ value: "x" }, { interceptors: [asking(1, 2)] }).correctable(3);
    expect(await rejectionOf(two.result())).toMatchObject({ reason: "INCOMPLETE" });
    expect(two.level).toBe(2);
    const nobody = test.echoQC({}, { interceptors: [asking()] });
    for (const call of [nobody.first(), nobody.majority(), nobody.all(), nobody.correctable(1).result()]) {
      expect(await rejectionOf(call)).toMatchObject({ reason: "INCOMPLETE" });
    }
    expect((await nobody.collect()).size).toBe(0);
    expect((await test.echoCorrectable({}, { interceptors: [asking()] }).collect()).size).toBe(0);
    const rpc = createClient(Test, client.node(1)).echoRPC({}, { interceptors: [asking()] });
    expect(await rejectionOf(rpc)).toMatchObject({ code: Code.FailedPrecondition, reason: "SKIPPED" });
    await eventually(() => client.nodes.every((node) => node.pendingCalls === 0));
  });
});

describe.each([1, 3, 9])("a multicast to %i servers with a request of its own for each", (size) => {
  it.each([true, false])(
    "[MC-05] [CI-10] brings each server its own value (waiting for the sends: %s)",
    async (waiting) => {
      await using servers = await receivingCluster(size);
      const test = createClient(Test, await servers.cluster.connect());
      const interceptors = [
        mapRequest<EchoRequest, never>((r, { id }) => ({ ...r, value: String(Number(r.value) + id) })),
      ];
      for (let number = 1; number <= 50; number++) {
        await test.echoMulticast({ value: `${number}` }, { interceptors, ignoreErrors: !waiting });
      }
      for (let node = 1; node <= size; node++) {
        await eventually(() => servers.at(node).length === 50, `all values at ${node}`);
        expect(servers.at(node)).toEqual(Array.from({ length: 50 }, (_, at) => `${at + 1 + node}`));
      }
    },
  );
});
