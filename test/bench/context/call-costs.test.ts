import { createClient, type Node } from "quorate";
import { createLocalCluster, type LocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { measureCalls } from "../../../bench/context/call-costs.js";
import type { CallLoad } from "../../../bench/context/call-subjects.js";
import { Echo } from "../../../bench/context/gen/bench/context/v1/echo_quorate.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";

checkLeaks();

const settings = { rounds: 1, timeMs: 5, warmupMs: 0 };
const never = new AbortController().signal;

/** Measures calls of three servers, before each of which something is done. */
async function measureMajority(before: (cluster: LocalCluster, third: Node) => Promise<void>) {
  await using cluster = await createLocalCluster(3, {
    routes: (router) => router.service(Echo, { one: (request) => request, quorum: (request) => request }),
  });
  const configuration = await cluster.connect();
  const client: CallLoad["client"] = (interceptors) => {
    const { quorum } = createClient(Echo, configuration, { interceptors });
    return async () => {
      await before(cluster, configuration.node(3));
      return quorum({}).majority();
    };
  };
  return await measureCalls(configuration, { client, nodes: 3, window: 1 }, settings, never);
}

describe("measureCalls", () => {
  it("tells what calls cost that all servers are asked", async () => {
    const rows = await measureMajority(async () => {});
    expect(rows).toHaveLength(6);
  });

  it("rejects if a server was lost, for calls that fewer are asked cost less", async () => {
    const measuring = measureMajority(async ({ servers }, third) => {
      await servers[2]?.close();
      await eventually(() => !third.connected);
    });
    await expect(measuring).rejects.toThrow("the server of node 3");
  });
});
