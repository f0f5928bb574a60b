import { describe, expect, it } from "vitest";
import type { ClusterFault } from "../../../examples/bank/cluster/cluster-plan.js";
import { makeClusterFault } from "../../../examples/bank/cluster/make-cluster-fault.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { fakeCluster } from "./fake-cluster.js";
import { startIdleProcess } from "./idle-process.js";

checkLeaks();

describe("makeClusterFault", () => {
  const hits: [ClusterFault, string, string[]][] = [
    [
      { kind: "kill", server: 1, afterMs: 3 },
      "SIGKILL to bank-2",
      ["bank-2 killed after 3", "bob at bank-3", "erin at bank-3", "bank-2 started"],
    ],
    [
      { kind: "killUnanswered", server: 0 },
      "SIGKILL to bank-1, an answer on its way",
      [
        "bank-1 loses answers",
        "alice transfers once",
        "bank-1 killed after 0",
        "bank-1 cut",
        "alice at bank-2",
        "dave at bank-2",
        "bank-1 started",
      ],
    ],
  ];
  it.each(hits)(
    "makes %o, and sees clients go elsewhere before the server comes back",
    async (fault, name, calls) => {
      const cluster = fakeCluster();
      expect(await makeClusterFault(fault, cluster.site)).toEqual({
        fault: name,
        effect: "2 clients went on at another server",
        failOvers: 2,
      });
      expect(cluster.calls).toEqual(calls);
    },
  );

  it.runIf(process.platform === "linux")(
    "stops a process, takes it off the net when it was silent for a while, and has it go on",
    async () => {
      await using idle = startIdleProcess();
      const cluster = fakeCluster({ idle });
      const outcome = await makeClusterFault({ kind: "pause", server: 2 }, cluster.site);
      expect(outcome).toMatchObject({ fault: "SIGSTOP to bank-3 for 1010 ms", failOvers: 2 });
      expect(cluster.calls).toEqual([
        "bank-3 isolated while stopped",
        "carol at bank-1",
        "frank at bank-1",
        "bank-3 joined while running",
      ]);
    },
  );

  it("kills the leader, and starts it again once transfers go on under another one", async () => {
    const cluster = fakeCluster();
    const outcome = await makeClusterFault({ kind: "killLeader", afterMs: 1 }, cluster.site);
    expect(outcome).toEqual({
      fault: "SIGKILL to member-1, the leader of etcd",
      effect: expect.stringMatching(/^member-2 led \d+ ms later$/),
      failOvers: 0,
    });
    expect(cluster.calls).toEqual(["member-1 killed", "transfers went on", "member-1 started"]);
  });

  it("brings clients to a server that has none, so that somebody notices", async () => {
    const cluster = fakeCluster();
    await makeClusterFault({ kind: "kill", server: 1, afterMs: 0 }, cluster.site);
    cluster.calls.length = 0;
    const outcome = await makeClusterFault({ kind: "kill", server: 1, afterMs: 0 }, cluster.site);
    expect(outcome.failOvers).toBe(6);
    expect(cluster.calls.slice(0, 3)).toEqual([
      "bank-1 isolated while running",
      "bank-3 isolated while running",
      "alice at bank-2",
    ]);
  });

  it("sees nobody move without sessions", async () => {
    const { site } = fakeCluster();
    const outcome = await makeClusterFault(
      { kind: "kill", server: 1, afterMs: 0 },
      { ...site, sessions: false },
    );
    expect(outcome).toMatchObject({ failOvers: 0, effect: "clients asked other servers" });
  });

  it("refuses a server that is not there", async () => {
    const { site } = fakeCluster();
    const fault = { kind: "pause", server: 3 } as const;
    await expect(makeClusterFault(fault, site)).rejects.toThrow("there is no server 3");
  });
});
