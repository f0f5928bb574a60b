import { describe, expect, it } from "vitest";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { needsEtcd } from "./needs-etcd.js";
import { startClusterDemo } from "./start-bank-demo.js";

checkLeaks();

describe("the demo of the cluster", { timeout: 60_000 }, () => {
  describe("that is under way", () => {
    needsEtcd();

    it.each(["SIGINT", "SIGTERM", "SIGKILL"] as const)(
      "ends its processes when it gets %s",
      async (signal) => {
        await using cluster = await startClusterDemo(["--json"]);
        const { demo } = cluster;
        // One after the other, as each has a time limit.
        for (const step of ["etcd of three members", "open six sessions", "and begin to transfer"]) {
          await demo.untilWritten(() => demo.output.stderr.includes(`${step}\n`));
        }
        expect(demo.pids("server.js")).toHaveLength(3);
        const etcd = (await cluster.users()).filter((line) => line.startsWith("etcd\0"));
        expect(etcd).toHaveLength(3);
        demo.kill(signal);
        expect(await demo.ended).toEqual({ code: null, signal });
        await demo.untilNothingIsLeft();
        await eventually(async () => (await cluster.users()).length === 0, "that no etcd is left");
        // After a SIGKILL nobody is left who could remove the folders, its own and the one of etcd.
        expect(await cluster.left()).toHaveLength(signal === "SIGKILL" ? 2 : 0);
        expect(demo.output.stdout).toBe("");
      },
    );
  });

  const noEtcd = "process.env.PATH = '';";
  it.each([
    ["is skipped", "delete process.env.QUORATE_REQUIRE;", 0],
    ["is skipped where other things are required", "process.env.QUORATE_REQUIRE = 'go';", 0],
    ["fails where it is required", "process.env.QUORATE_REQUIRE = 'go,etcd';", 1],
  ])("%s without an etcd, and says so in one line", async (_, required, code) => {
    await using cluster = await startClusterDemo(["--json"], () => noEtcd + required);
    const { demo } = cluster;
    expect(await demo.ended).toEqual({ code, signal: null });
    await demo.untilNothingIsLeft();
    expect(demo.output.stderr.replaceAll(/^\[.*\]\n/gm, "")).toBe(
      "skipped: there is no `etcd` on the PATH\n",
    );
    const skipped = "there is no `etcd` on the PATH";
    expect(JSON.parse(demo.output.stdout)).toEqual({ ok: code === 0, skipped });
    expect(await cluster.left()).toEqual([]);
  });

  it.each([
    [["--help"], 0, "stdout", "--leader-kills N"],
    [["--cuts", "3"], 1, "stderr", "--cuts"],
  ] as const)("answers %o before it starts anything", async (args, code, stream, text) => {
    await using cluster = await startClusterDemo(args);
    const { demo } = cluster;
    expect(await demo.ended).toEqual({ code, signal: null });
    await demo.untilNothingIsLeft();
    expect(demo.output[stream]).toContain(text);
    expect(await cluster.left()).toEqual([]);
  });
});
