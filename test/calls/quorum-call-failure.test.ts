import { Code, createClient, QuorateError, QuorumCallError } from "quorate";
import { createLocalCluster } from "quorate/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connected, serverAt, transports } from "../conformance/stages.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";
import { type HeldCluster, holdingCluster, isSettled, rejectionOf } from "./held-cluster.js";

checkLeaks();

async function quorumFailure(promise: Promise<unknown>): Promise<QuorumCallError> {
  const error = await rejectionOf(promise);
  if (error instanceof QuorumCallError) return error;
  throw error;
}

async function fail({ next }: HeldCluster, node: number, code: Code, message = `failed at ${node}`) {
  (await next(node)).fail(new QuorateError(code, message, { reason: "REFUSED" }));
}

describe("a quorum call fails", () => {
  it.each([
    { terminal: "first", size: 3, failures: 3 },
    { terminal: "majority", size: 3, failures: 2 },
    { terminal: "majority", size: 4, failures: 2 },
    { terminal: "majority", size: 5, failures: 3 },
    { terminal: "all", size: 3, failures: 1 },
    { terminal: "threshold(2)", size: 3, failures: 2 },
  ])(
    "[QC-08] [W-15] $terminal of $size nodes at error $failures, not before",
    async ({ terminal, size, failures }) => {
      await using servers = await holdingCluster(size);
      const responses = createClient(Test, servers.client).echoQC({});
      const result = quorumFailure(
        terminal === "threshold(2)"
          ? responses.threshold(2)
          : responses[terminal as "first" | "majority" | "all"](),
      );
      for (let node = 1; node <= failures; node++) {
        expect(await isSettled(result)).toBe(false);
        const { pendingCalls } = servers.client.node(node);
        await fail(servers, node, node === 1 ? Code.PermissionDenied : Code.NotFound);
        await eventually(() => servers.client.node(node).pendingCalls < pendingCalls);
      }
      const error = await result;
      // The code of the first node error, so that it means the same to the caller of a nested call.
      expect(error).toMatchObject({
        code: Code.PermissionDenied,
        reason: "INCOMPLETE",
        name: "QuorumCallError",
      });
      expect([...error.nodeErrors.keys()]).toEqual(Array.from({ length: failures }, (_, at) => at + 1));
      expect(error.unanswered.map(({ id }) => id)).toEqual(
        Array.from({ length: size - failures }, (_, at) => failures + at + 1),
      );
      expect(error.nodeErrors.get(1)).toMatchObject({ reason: "REFUSED", message: "failed at 1" });
    },
  );

  it("[ER-05] with a text that lists the errors of the nodes", async () => {
    await using servers = await holdingCluster(3);
    const result = quorumFailure(createClient(Test, servers.client).echoQC({}).majority());
    await fail(servers, 1, Code.NotFound, "one");
    await eventually(() => servers.client.node(1).pendingCalls === 0);
    await fail(servers, 3, Code.NotFound, "three");
    expect((await result).message).toBe(
      "quorate: quorum call error: test.v1.Test.EchoQC: incomplete call: 0 of 2 replies from 3 nodes" +
        " (errors: 2)\nnode errors:\n\tnode 1: one\n\tnode 3: three",
    );
  });

  it("[W-15] with DeadlineExceeded at its deadline, with the node errors and the unanswered nodes", async () => {
    await using servers = await holdingCluster(3);
    const responses = createClient(Test, servers.client).echoQC({}, { timeoutMs: 60 });
    const results = [responses.majority(), responses.all(), responses.first()].map(rejectionOf);
    await fail(servers, 2, Code.Aborted);
    const [majority, all, first] = await Promise.all(results);
    expect(majority).toMatchObject({ code: Code.DeadlineExceeded, reason: "ENDED" });
    expect(majority?.cause).toMatchObject({ code: Code.DeadlineExceeded });
    expect(majority).toBeInstanceOf(QuorumCallError);
    const { nodeErrors, unanswered } = majority as QuorumCallError;
    expect([...nodeErrors.keys()]).toEqual([2]);
    expect(unanswered.map(({ id }) => id)).toEqual([1, 3]);
    expect(first).toMatchObject({ code: Code.DeadlineExceeded });
    // One of three has failed, so all was out of reach before the deadline.
    expect(all).toMatchObject({ code: Code.Aborted, reason: "INCOMPLETE" });
    expect(servers.client.nodes.map((node) => node.pendingCalls)).toEqual([0, 0, 0]);
  });

  it("[AS-02] with the reason of its signal, and lists who had not answered", async () => {
    await using servers = await holdingCluster(2);
    const controller = new AbortController();
    const { signal } = controller;
    const result = quorumFailure(createClient(Test, servers.client).echoQC({}, { signal }).all());
    await servers.answer(2);
    await eventually(() => servers.client.node(2).pendingCalls === 0);
    const reason = new QuorateError(Code.Aborted, "changed our mind", { reason: "CHANGED" });
    controller.abort(reason);
    const error = await result;
    expect(error).toMatchObject({ code: Code.Aborted, reason: "ENDED", cause: reason });
    expect(error.message).toContain("changed our mind: 1 of 2 replies from 2 nodes");
    expect(error.unanswered.map(({ id }) => id)).toEqual([1]);
  });

  it("[F-12] in a handler with a code and text that its caller gets", async () => {
    await using cluster = await createLocalCluster(3, {
      routes: (router, node) =>
        router.service(Test, {
          ...echoHandlers(node),
          echoRPC: async (_, { peers }) => createClient(Test, peers).echoQC({}).all(),
          echoQC: () => {
            throw new QuorateError(Code.OutOfRange, `no at ${node}`);
          },
        }),
    });
    const client = await cluster.connect();
    const error = await rejectionOf(createClient(Test, client.node(2)).echoRPC({}));
    expect(error).toMatchObject({ code: Code.OutOfRange, reason: "INCOMPLETE" });
    expect(error.message).toMatch(/quorum call error.*\n.*\n\tnode \d: no at \d/);
  });
});

describe("an unobserved failure", () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  beforeEach(() => {
    unhandled.length = 0;
    process.on("unhandledRejection", note);
  });
  afterEach(() => {
    process.off("unhandledRejection", note);
  });

  it("is no unhandled rejection", async () => {
    await using servers = await holdingCluster(2);
    const test = createClient(Test, servers.client);
    test.echoQC({});
    const responses = test.echoQC({});
    // oxlint-disable-next-line typescript/no-floating-promises -- That is what is tested.
    responses.majority();
    // oxlint-disable-next-line typescript/no-floating-promises
    responses.all(() => {
      throw new Error("combine");
    });
    const failing = test.echoQC({}, { timeoutMs: 0 });
    // oxlint-disable-next-line typescript/no-floating-promises
    failing.first();
    for (const node of [1, 1, 2, 2]) await fail(servers, node, Code.Internal);
    await rejectionOf(responses.first());
    // Node tells of unhandled rejections between two turns.
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).toEqual([]);
  });
});

describe.each(transports)("with stopped servers, on %s", (transport) => {
  it.each([
    { stopped: 0, majority: undefined, all: undefined, first: undefined },
    { stopped: 1, majority: undefined, all: 1, first: undefined },
    { stopped: 2, majority: 2, all: 2, first: undefined },
    { stopped: 3, majority: 3, all: 3, first: 3 },
  ])("[QC-05] [QC-06] [QC-07] $stopped of 3", async ({ stopped, ...expected }) => {
    await using cluster = await createLocalCluster(3, {
      transport,
      routes: (router, node) => router.service(Test, echoHandlers(node)),
    });
    const client = await connected(cluster.connect());
    for (let id = 1; id <= stopped; id++) {
      await serverAt(cluster, id).close();
      const rpc = () => rejectionOf(createClient(Test, client.node(id)).echoRPC({}));
      await eventually(() => rpc().then(({ reason }) => reason === "NOT_CONNECTED"));
    }
    const errorsOf = async (terminal: "first" | "majority" | "all") => {
      const responses = createClient(Test, client).echoQC({}, { timeoutMs: Number.POSITIVE_INFINITY });
      const result = responses[terminal]();
      return result.then(
        () => undefined,
        (error: unknown) => (error instanceof QuorumCallError ? error.nodeErrors.size : error),
      );
    };
    expect(await errorsOf("first")).toBe(expected.first);
    expect(await errorsOf("majority")).toBe(expected.majority);
    expect(await errorsOf("all")).toBe(expected.all);
  });
});
