import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkLeaks } from "../../helpers/leaks.js";
import { startBankDemo } from "./start-bank-demo.js";

checkLeaks();

describe("the demo of the bank", { timeout: 60_000 }, () => {
  it("fails where a server does not come back, and leaves nothing behind", async () => {
    // The first server makes the file; the next one finds it.
    await using bank = await startBankDemo([], (folder) => {
      const marker = JSON.stringify(join(folder, "started"));
      return `
        const { existsSync, writeFileSync } = await import("node:fs");
        if (process.argv[1].endsWith("server.js")) {
          if (existsSync(${marker})) process.exit(3);
          writeFileSync(${marker}, "");
        }`;
    });
    const { demo } = bank;
    expect(await demo.ended).toEqual({ code: 1, signal: null });
    await demo.untilNothingIsLeft();
    expect(await bank.left()).toEqual(["started"]);
    const { ok, steps } = JSON.parse(demo.output.stdout);
    expect(ok).toBe(false);
    expect(steps.at(-1).detail).toBe("server 2 ended: exit code 3");
  });

  it.each(["SIGINT", "SIGTERM"] as const)(
    "ends its processes and removes its folder when it gets %s",
    async (signal) => {
      await using bank = await startBankDemo();
      const { demo } = bank;
      await demo.untilWritten(() => demo.output.stderr.includes("  open accounts, and begin to transfer\n"));
      expect(await bank.left()).toHaveLength(1);
      demo.kill(signal);
      expect(await demo.ended).toEqual({ code: null, signal });
      await demo.untilNothingIsLeft();
      expect(await bank.left()).toEqual([]);
      expect(demo.output.stdout).toBe("");
    },
  );

  it("ends its processes when it gets SIGKILL", async () => {
    await using bank = await startBankDemo();
    const { demo } = bank;
    await demo.untilWritten(() => demo.output.stderr.includes("  open accounts, and begin to transfer\n"));
    demo.kill("SIGKILL");
    expect(await demo.ended).toEqual({ code: null, signal: "SIGKILL" });
    await demo.untilNothingIsLeft();
  });

  it("refuses flags that there are not before it starts anything", async () => {
    await using bank = await startBankDemo(["--faults", "3"]);
    const { demo } = bank;
    expect(await demo.ended).toEqual({ code: 1, signal: null });
    await demo.untilNothingIsLeft();
    expect(demo.output.stderr).toContain("--faults");
    expect(demo.pids("client.js")).toEqual([]);
    expect(await bank.left()).toEqual([]);
  });
});
