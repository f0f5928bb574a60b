import { type CallTarget, Code, createClient } from "quorate";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { transports } from "../conformance/stages.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";
import { holdingCluster } from "./held-cluster.js";

checkLeaks();

describe("createClient", () => {
  it("offers the methods that fit the target, and no others", async () => {
    await using servers = await holdingCluster(2);
    const { client } = servers;
    expect(Object.keys(createClient(Test, client.node(1))).sort()).toEqual([
      "echoPlain",
      "echoRPC",
      "echoUnicast",
    ]);
    expect(Object.keys(createClient(Test, client)).sort()).toEqual([
      "echoCorrectable",
      "echoMulticast",
      "echoQC",
    ]);
    expect(Object.keys(createClient(Callback, client.without(1))).sort()).toEqual(["askAll", "notify"]);
    expect(Object.keys(createClient(Callback, client.node(2))).sort()).toEqual(["ask", "notifyOne"]);
  });

  it.each([
    ["[NL-17] nothing", undefined],
    ["a string", "127.0.0.1:9081"],
    ["an object that looks like a node", { id: 1, address: "127.0.0.1:1", connected: true, pendingCalls: 0 }],
    ["an object that looks like a configuration", { nodes: [], ids: [], size: 0 }],
  ])("refuses %s as a target", (_, target) => {
    expect(() => createClient(Test, target as unknown as CallTarget)).toThrow(
      expect.objectContaining({ code: Code.InvalidArgument }),
    );
  });

  it("takes a message or its initializer as a request", async () => {
    await using servers = await holdingCluster(1);
    const test = createClient(Test, servers.client.node(1));
    const first = test.echoRPC({ value: "initializer", data: Uint8Array.of(1, 2) });
    const held = await servers.next(1);
    const { request } = held;
    expect(request.data).toEqual(Uint8Array.of(1, 2));
    const second = test.echoRPC(request);
    const again = await servers.next(1);
    expect(again.request).toEqual(request);
    again.reply("second");
    // The first is still held: answers find their own calls.
    expect((await second).value).toBe("second");
    held.reply("first");
    expect((await first).value).toBe("first");
  });
});

it.each(transports)("bytes fields are plain Uint8Arrays at both ends, on %s", async (transport) => {
  const received: Uint8Array[] = [];
  await using cluster = await createLocalCluster(1, {
    transport,
    routes: (router) => {
      const echo = ({ data }: { data: Uint8Array }) => {
        received.push(data);
        return { data };
      };
      router.service(Test, { ...echoHandlers(), echoRPC: echo, echoQC: echo });
    },
  });
  const client = await cluster.connect();
  const data = Uint8Array.of(1, 2, 3);
  const rpc = await createClient(Test, client.node(1)).echoRPC({ data });
  const quorum = await createClient(Test, client).echoQC({ data }).all();
  for (const bytes of [...received, rpc.data, quorum.data]) {
    // A Buffer has another prototype, and a `slice` that copies nothing.
    expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
    expect(bytes).toEqual(data);
  }
  expect(received).toHaveLength(2);
});
