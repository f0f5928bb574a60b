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
} from "quorate";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import type { EchoRequest, EchoResponse } from "../gen/test/v1/test_pb.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";
import { rejectionOf } from "./held-cluster.js";
import { receivingCluster } from "./receiving-cluster.js";

checkLeaks();

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
