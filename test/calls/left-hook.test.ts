import { type ClientInterceptor, Code, createClient, QuorateError, skip } from "quorate";
import { describe, expect, it } from "vitest";
import type { ClientInterceptor as AnyInterceptor } from "../../src/configuration/client-interceptor.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { turn } from "../helpers/turn.js";
import { type HeldCluster, holdingCluster, rejectionOf } from "./held-cluster.js";

checkLeaks();

/** Keeps of whom it was told that the caller left, and what else. */
function noting(): {
  readonly left: number[];
  readonly responses: string[];
  readonly interceptors: readonly AnyInterceptor[];
} {
  const left: number[] = [];
  const responses: string[] = [];
  const interceptor: ClientInterceptor = () => ({
    left: (node) => void left.push(node.id),
    response: ({ ok, node }) => void responses.push(`${node.id} ${ok}`),
  });
  return { left, responses, interceptors: [interceptor] };
}

type Noting = ReturnType<typeof noting>;

interface LeavingRow {
  readonly name: string;
  readonly call: (servers: HeldCluster, interceptors: readonly AnyInterceptor[]) => Promise<unknown>;
  readonly left: readonly number[];
  readonly responses: readonly string[];
}

const test = ({ client }: HeldCluster, interceptors: readonly AnyInterceptor[]) =>
  createClient(Test, client, { interceptors });

const leaving: readonly LeavingRow[] = [
  {
    name: "who has not answered when a majority has",
    call: async (servers, interceptors) => {
      const majority = test(servers, interceptors).echoQC({}).majority();
      await servers.answer(3, 1);
      return majority;
    },
    left: [2],
    responses: ["3 true", "1 true"],
  },
  {
    name: "nobody, when all have answered",
    call: async (servers, interceptors) => {
      const all = test(servers, interceptors).echoQC({}).all();
      await servers.answer(3, 1, 2);
      return all;
    },
    left: [],
    responses: ["3 true", "1 true", "2 true"],
  },
  {
    name: "not one that has failed",
    call: async (servers, interceptors) => {
      const majority = test(servers, interceptors).echoQC({}).threshold(1);
      (await servers.next(1)).fail(new QuorateError(Code.NotFound, "not here"));
      await eventually(() => servers.held(2).length === 1);
      await turn();
      await servers.answer(2);
      return majority;
    },
    left: [3],
    responses: ["1 false", "2 true"],
  },
  {
    name: "who has not answered when a loop is left",
    call: async (servers, interceptors) => {
      const responses = test(servers, interceptors).echoQC({});
      await servers.answer(2);
      for await (const _ of responses) break;
    },
    left: [1, 3],
    responses: ["2 true"],
  },
  {
    name: "who has not said that it is done when the loop over many replies is left",
    call: async (servers, interceptors) => {
      const responses = test(servers, interceptors).echoCorrectable({});
      await servers.answer(2);
      let seen = 0;
      for await (const _ of responses) {
        seen += 1;
        if (seen === 2) break;
        // Node 2 says so; of node 3 the reply alone is here when the loop is left.
        await turn();
        await servers.answer(3);
      }
    },
    left: [1, 3],
    responses: ["2 true", "3 true"],
  },
  {
    name: "nobody at the deadline, which each is told of",
    call: (servers, interceptors) =>
      rejectionOf(test(servers, interceptors).echoQC({}, { timeoutMs: 40 }).all()),
    left: [],
    responses: ["1 false", "2 false", "3 false"],
  },
  {
    name: "nobody when the signal ends, which each is told of",
    call: async (servers, interceptors) => {
      const controller = new AbortController();
      const all = test(servers, interceptors).echoQC({}, { signal: controller.signal }).all();
      controller.abort();
      return rejectionOf(all);
    },
    left: [],
    responses: ["1 false", "2 false", "3 false"],
  },
  {
    name: "nobody of a one-way call, waited for or not",
    call: async (servers, interceptors) => {
      await test(servers, interceptors).echoMulticast({});
      await test(servers, interceptors).echoMulticast({}, { ignoreErrors: true });
      for (const node of [1, 2, 3]) for (const _ of [1, 2]) await servers.next(node);
    },
    left: [],
    responses: ["1 true", "2 true", "3 true"],
  },
  {
    name: "not one that was skipped",
    call: async (servers, interceptors) => {
      const skipping: AnyInterceptor = () => ({
        request: (request, node) => (node.id === 1 ? skip : request),
      });
      const first = test(servers, [...interceptors, skipping])
        .echoQC({})
        .first();
      await servers.answer(3);
      return first;
    },
    left: [2],
    responses: ["3 true"],
  },
];

describe("the left hook of an interceptor", () => {
  it.each(leaving)("is told of $name", async ({ call, left, responses }) => {
    await using servers = await holdingCluster(3);
    const noted: Noting = noting();
    await call(servers, noted.interceptors);
    await turn();
    expect(noted.left).toEqual(left);
    expect(noted.responses).toEqual(responses);
  });

  it("is the last that is told of a node, though its answer comes", async () => {
    await using servers = await holdingCluster(2);
    const noted = noting();
    const first = test(servers, noted.interceptors).echoQC({}).first();
    await servers.answer(1);
    await first;
    await servers.answer(2);
    await eventually(() => servers.events.some(({ kind }) => kind === "lateReply"), "the late reply");
    expect(noted).toMatchObject({ left: [2], responses: ["1 true"] });
  });

  it("of each interceptor is told; what one throws surfaces, and neither the others nor the call notice", async () => {
    await using servers = await holdingCluster(2);
    const noted = noting();
    const thrown = new Error("from the hook");
    const throwing: AnyInterceptor = () => ({
      left: () => {
        throw thrown;
      },
    });
    const uncaught: unknown[] = [];
    const note = (error: unknown) => void uncaught.push(error);
    // Those of the test runner would fail the run.
    const others = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", note);
    try {
      const first = test(servers, [throwing, ...noted.interceptors])
        .echoQC({})
        .first();
      await servers.answer(1);
      expect((await first).value).toBe("at 1");
      await eventually(() => uncaught.length > 0);
    } finally {
      process.off("uncaughtException", note);
      for (const other of others) process.on("uncaughtException", other);
    }
    expect(uncaught).toEqual([thrown]);
    expect(noted.left).toEqual([2]);
  });
});
