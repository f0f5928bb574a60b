import { Code, createClient, mapRequest, QuorumCallError, skip } from "quorate";
import { describe, expect, it } from "vitest";
import type { EchoRequest } from "../gen/test/v1/test_pb.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { rejectionOf } from "./held-cluster.js";
import { receivingCluster } from "./receiving-cluster.js";

checkLeaks();

/** Asks only the nodes of these ids. */
const asking = (...ids: number[]) =>
  mapRequest<EchoRequest, never>((request, node) => (ids.includes(node.id) ? request : skip));

describe("a skipped node", () => {
  it("[MC-06] is sent nothing, and a one-way call succeeds without it", async () => {
    await using servers = await receivingCluster(3);
    const client = await servers.cluster.connect();
    const all = createClient(Test, client);
    await all.echoMulticast({ value: "some" }, { interceptors: [asking(1, 3)] });
    await all.echoMulticast({ value: "none" }, { interceptors: [asking()] });
    await createClient(Test, client.node(2)).echoUnicast({ value: "no" }, { interceptors: [asking(1)] });
    await all.echoQC({ value: "end" }).all();
    expect([1, 2, 3].map((node) => servers.at(node))).toEqual([["some", "end"], ["end"], ["some", "end"]]);
  });

  it("is one for which a map without types returns nothing", async () => {
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
