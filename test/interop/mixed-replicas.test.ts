import { createClient } from "quorate";
import { describe, expect, it } from "vitest";
import { Interop } from "../gen/interop/v1/interop_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { useGoPeers } from "./go-peers.js";
import { kinds, type MixedCluster, type ReplicaId, startMixedCluster } from "./mixed-cluster.js";

checkLeaks();
const startGo = useGoPeers();

/** How long a replica that was restarted may be missed. */
const backMs = 5_000;

describe("a configuration of two TypeScript and two Go replicas", { timeout: 60_000 }, () => {
  it("has each make nested quorum calls to all, itself included (F-36)", async () => {
    await using cluster = await startMixedCluster(startGo);
    for (const id of cluster.running) {
      const asked = await createClient(Interop, cluster.client.node(id)).askPeers({ text: "all" });
      expect(asked.asked).toBe(4);
      expect(asked.replies.length).toBeGreaterThanOrEqual(3);
      for (const { node, text } of asked.replies) expect(text).toBe(`${kinds[node as ReplicaId]}: all`);
    }
    const nodes = await createClient(Interop, cluster.client)
      .read({})
      .all((replies) => replies.map(({ node }) => node));
    expect(nodes.sort((a, b) => a - b)).toEqual([1, 2, 3, 4]);
  });

  it("[W-08] has a majority of the four while one of each kind is killed and comes back", async () => {
    await using cluster = await startMixedCluster(startGo);
    await using majority = keepCalling(() => createClient(Interop, cluster.client).read({}).majority());
    await using ofGo = keepCalling(() => cluster.askMajority(3));
    for (const killed of [4, 1] as const) {
      await cluster.kill(killed);
      await using nested = nestedCalls(cluster);
      const before = majority.calls;
      await eventually(() => majority.calls > before + 20 && ofGo.calls > 0, "that the calls go on");
      await expectBack(cluster, killed);
      expect(nested.failures).toEqual([]);
    }
    expect(majority.failures).toEqual([]);
    expect(ofGo.failures).toEqual([]);
  });

  it("[W-08] goes on as a majority of those that are left while one of each kind is dead, and gets both back", async () => {
    await using cluster = await startMixedCluster(startGo);
    for (const killed of [3, 2] as const) {
      await cluster.kill(killed);
      // The next one is killed when this one is known to be gone, else two of four would not be a majority.
      await using nested = nestedCalls(cluster);
      await cluster.untilAllSeeAll();
      const before = nested.calls;
      await eventually(() => nested.calls > before + 20, "that the calls go on");
      expect(nested.failures).toEqual([]);
    }
    await using nested = nestedCalls(cluster);
    await expectBack(cluster, 2, 3);
    expect(nested.failures).toEqual([]);
  });
});

async function expectBack(cluster: MixedCluster, ...ids: ReplicaId[]): Promise<void> {
  await cluster.start(...ids);
  const startedAt = performance.now();
  await cluster.untilAllSeeAll();
  expect(performance.now() - startedAt).toBeLessThan(backMs);
  expect(cluster.running).toHaveLength(4);
}

/** Calls that are made one after the other until the end of their scope. */
interface Calls extends AsyncDisposable {
  readonly calls: number;
  readonly failures: readonly unknown[];
}

/** Nested majority calls at each replica that is running now. */
function nestedCalls(cluster: MixedCluster): Calls {
  const loops = cluster.running.map((id) => keepCalling(() => cluster.askPeers(id)));
  return {
    get calls() {
      return Math.min(...loops.map(({ calls }) => calls));
    },
    get failures() {
      return loops.flatMap(({ failures }) => failures);
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(loops.map((loop) => loop[Symbol.asyncDispose]()));
    },
  };
}

function keepCalling(call: () => Promise<unknown>): Calls {
  const failures: unknown[] = [];
  let calls = 0;
  const ending = new AbortController();
  const ended = (async () => {
    for (; !ending.signal.aborted; calls++) await call().catch((error: unknown) => failures.push(error));
  })();
  return {
    failures,
    get calls() {
      return calls;
    },
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      await ended;
    },
  };
}
