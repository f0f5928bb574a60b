import { type ClientInterceptor, createClient } from "quorate";
import { contextSession } from "quorate/context";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { deadlineAfter, scheduleDeadline } from "../../internal/util/deadlines.js";
import { AppendQueue } from "../../src/sessions/commit-log/append-queue.js";
import { createMemoryLogStore } from "../../src/sessions/commit-log/memory-log.js";
import { AppliedWaits } from "../../src/sessions/server/applied-waits.js";
import { Barrier } from "../../src/sessions/server/barrier.js";
import { Proposals } from "../../src/sessions/server/proposals.js";
import { holdingCluster } from "../calls/held-cluster.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";
import { turn } from "../helpers/turn.js";
import { FaultyLog } from "../sessions/server/faulty-log.js";
import { Places } from "./places.js";

checkLeaks();

interface SharedRow {
  readonly what: string;
  /** What two callers share; it notes where it runs, and each call resolves when that has served it. */
  readonly share: (places: Places) => () => Promise<unknown>;
}

const shared: readonly SharedRow[] = [
  {
    what: "a timer of deadlines",
    share: (places) => {
      const deadline = deadlineAfter(10);
      return () =>
        new Promise<void>((resolve) => {
          scheduleDeadline(deadline, () => {
            places.note("shared");
            resolve();
          });
        });
    },
  },
  {
    what: "a barrier",
    share: (places) => {
      const waits = new AppliedWaits(0);
      const barrier = new Barrier({
        log: {
          tail: async () => {
            places.note("shared");
            return 0;
          },
        },
        appliedOp: () => 0,
        waitApplied: (op) => waits.wait(op),
        maxWaitMs: 1_000,
        ended: new AbortController().signal,
        lost: () => {},
      });
      return () => barrier.wait();
    },
  },
  {
    what: "a batch of appends",
    share: (places) => {
      const limits = {
        maxEntryBytes: 9,
        maxWaitingAppends: 9,
        maxWaitingBytes: 99,
        maxBatchBytes: 99,
        maxBatchEntries: 9,
      };
      const queue = new AppendQueue(limits, async () => {
        places.note("shared");
        return (index) => index;
      });
      return () => queue.append(Uint8Array.of(1));
    },
  },
  {
    what: "an append of what sessions propose",
    share: (places) => {
      const waiting: (() => void)[] = [];
      const log = new FaultyLog(createMemoryLogStore().open(), {
        append: async () => {
          places.note("shared");
          await turn();
          waiting.shift()?.();
          return 1;
        },
      });
      const proposals = new Proposals({ log, nowMs: () => 0, lost: () => {} });
      return () =>
        new Promise<void>((resolve) => {
          waiting.push(resolve);
          proposals.propose({ kind: "tick", previousOp: 0 }, { applied: () => {}, failed: () => {} });
        });
    },
  },
];

describe("outside of the session of whoever comes first runs", () => {
  it.each(shared)("$what", async ({ share }) => {
    const places = new Places();
    const call = share(places);
    await contextSession.begin(async (session) => {
      // What awaits it goes on where it was.
      const first = call().then(() => contextSession.current());
      const second = contextSession.fork(() => call().then(() => contextSession.current()));
      await contextSession.leave(call);
      expect(await first).toBe(session);
      expect(await second).not.toBe(session);
    });
    expect(places.seen).toEqual({ shared: "outside" });
  });
});

describe("a call made in a session", () => {
  function hooks(places: Places): ClientInterceptor {
    return () => {
      places.note("interceptor");
      return {
        request: (request) => {
          places.note("request");
          return request;
        },
        response: () => places.note("response"),
        left: () => places.note("left"),
      };
    };
  }

  const hooked = { interceptor: "inside", request: "inside", response: "outside" };

  it("runs what makes it within, and what looks at its responses outside", async () => {
    await using servers = await holdingCluster(2);
    const places = new Places();
    const test = createClient(Test, servers.client, { interceptors: [hooks(places)] });
    await contextSession.begin(async () => {
      const responses = test.echoQC({});
      await servers.answer(2);
      // The loop is left here, and not where the last reply came.
      for await (const _ of responses) break;
    });
    expect(places.seen).toEqual({ ...hooked, left: "outside" });
  });

  it("that its caller ends runs what looks at the end outside as well", async () => {
    await using servers = await holdingCluster(2);
    const places = new Places();
    const test = createClient(Test, servers.client, { interceptors: [hooks(places)] });
    const controller = new AbortController();
    await contextSession.begin(async () => {
      const all = test.echoQC({}, { signal: controller.signal }).all();
      controller.abort();
      await all.catch(() => {});
      await createClient(Test, servers.client.node(1), { interceptors: [hooks(places)] })
        .echoRPC({}, { signal: controller.signal })
        .catch(() => {});
    });
    expect(places.seen).toEqual(hooked);
  });

  it("of nodes that fail at once runs what looks at their failures outside", async () => {
    await using servers = await holdingCluster(1);
    const places = new Places();
    const node = servers.client.node(1);
    await servers.client.close();
    const test = createClient(Test, node, { interceptors: [hooks(places)] });
    await contextSession.begin(() => test.echoRPC({}).catch(() => {}));
    expect(places.seen).toEqual(hooked);
  });

  it("combines replies within, where its caller waits, whoever brought the last one", async () => {
    await using cluster = await createLocalCluster(3, {
      routes: (router, node) => router.service(Test, echoHandlers(node)),
    });
    const places = new Places();
    const client = await cluster.connect();
    const test = createClient(Test, client);
    const combine = (what: string) => (replies: readonly unknown[]) => {
      places.note(what);
      return [contextSession.current(), replies.length];
    };
    await contextSession.begin(async (session) => {
      const calls = [
        test.echoQC({}).majority(combine("majority")),
        test.echoQC({}).all(combine("all")),
        test.echoQC({}).threshold(3, combine("threshold")),
        test.echoQC({}).correctable(3, combine("correctable")).result(),
        test.echoCorrectable({}).correctable(3, combine("many replies")).result(),
      ];
      const combined = await Promise.all(calls);
      expect(combined.map(([current]) => current)).toEqual(calls.map(() => session));
      const outside = contextSession.leave(() => test.echoQC({}).all(combine("of another")));
      expect(await outside).toEqual([undefined, 3]);
    });
    expect(places.seen).toEqual({
      majority: "inside",
      all: "inside",
      threshold: "inside",
      correctable: "inside",
      "many replies": "inside",
      "of another": "outside",
    });
  });

  it("that expires in another's timer ends within its own session", async () => {
    await using servers = await holdingCluster(1);
    const test = createClient(Test, servers.client.node(1));
    const end = () =>
      contextSession.fork(async (session) => {
        await test.echoRPC({}, { timeoutMs: 30 }).catch(() => {});
        return contextSession.current() === session;
      });
    expect(await contextSession.begin(() => Promise.all([end(), end()]))).toEqual([true, true]);
    await eventually(() => servers.held(1).length === 2);
  });
});
