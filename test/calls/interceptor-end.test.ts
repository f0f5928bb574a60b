import { type ClientInterceptor, Code, connect, createClient, QuorateError } from "quorate";
import { describe, expect, it } from "vitest";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { holdingCluster, rejectionOf } from "./held-cluster.js";
import { slowDial } from "./slow-dial.js";

checkLeaks();

/** Keeps what its response hook was told, and gives every error a text of its own. */
function renaming(): { readonly seen: string[]; readonly interceptors: readonly ClientInterceptor[] } {
  const seen: string[] = [];
  const interceptor: ClientInterceptor = () => ({
    response: (response) => {
      seen.push(`${response.node.id} ${response.ok ? "ok" : response.error.code}`);
      return response.ok ? response : { ...response, error: new QuorateError(Code.Aborted, "renamed") };
    },
  });
  return { seen, interceptors: [interceptor] };
}

describe("the response hook of an interceptor, where a call ends before its nodes have answered", () => {
  it("sees the deadline of an rpc, and may change its error", async () => {
    await using servers = await holdingCluster(1);
    const { seen, interceptors } = renaming();
    const test = createClient(Test, servers.client.node(1), { interceptors });
    const error = await rejectionOf(test.echoRPC({}, { timeoutMs: 60 }));
    expect(seen).toEqual([`1 ${Code.DeadlineExceeded}`]);
    expect(error.message).toBe("renamed");
  });

  it("sees the signal of a one-way call at each node that was not sent the message", async () => {
    await using servers = await holdingCluster(2);
    const network = slowDial(servers.cluster, 2);
    await using client = await connect({ nodes: servers.cluster.nodes, transport: network.transport });
    const controller = new AbortController();
    const { signal } = controller;
    const [all, one] = [renaming(), renaming()];
    const multicast = createClient(Test, client, all).echoMulticast({}, { signal });
    const unicast = createClient(Test, client.node(2), one).echoUnicast({}, { signal });
    await eventually(() => all.seen.length === 1, "the message at node 1");
    controller.abort();
    expect(await rejectionOf(multicast)).toMatchObject({ code: Code.Canceled });
    expect(all.seen).toEqual(["1 ok", `2 ${Code.Canceled}`]);
    expect(await rejectionOf(unicast)).toMatchObject({ message: "renamed" });
    expect(one.seen).toEqual([`2 ${Code.Canceled}`]);
    network.open();
  });
});

it("an interceptor that throws anything fails calls with a QuorateError", async () => {
  await using servers = await holdingCluster(1);
  const interceptors: ClientInterceptor[] = [
    () => {
      throw new RangeError("out of range");
    },
  ];
  const node = createClient(Test, servers.client.node(1), { interceptors });
  const all = createClient(Test, servers.client, { interceptors });
  const calls = [
    node.echoRPC({}),
    node.echoUnicast({}),
    all.echoMulticast({}, { ignoreErrors: true }),
    all.echoQC({}).first(),
    all.echoCorrectable({}).collect(),
  ];
  for (const call of calls) {
    expect(await rejectionOf<unknown>(call)).toMatchObject({ code: Code.Unknown, message: "out of range" });
  }
});
