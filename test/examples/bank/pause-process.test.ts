import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { pauseProcess } from "../../../examples/bank/cluster/pause-process.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { startIdleProcess } from "./idle-process.js";

checkLeaks();

describe.runIf(process.platform === "linux")("pauseProcess", () => {
  it("stops a process until it is resumed", async () => {
    await using idle = startIdleProcess();
    const paused = await pauseProcess(idle.pid);
    await eventually(idle.isStopped, "that the process is stopped");
    await paused.resume();
    await eventually(() => !idle.isStopped(), "that the process goes on");
    expect(idle.isStopped()).toBe(false);
  });

  it("has it go on when the process that stopped it is killed", async () => {
    await using idle = startIdleProcess();
    const script = `
      const { pauseProcess } = await import(${JSON.stringify(moduleUrl)});
      await pauseProcess(${idle.pid});
      console.log("stopped");
      process.stdin.resume();`;
    const stopper = spawn(process.execPath, ["--import=tsx", "--input-type=module", "--eval", script]);
    await once(stopper.stdout, "data");
    await eventually(idle.isStopped, "that the process is stopped");
    stopper.kill("SIGKILL");
    await once(stopper, "exit");
    await eventually(() => !idle.isStopped(), "that the process goes on");
    expect(idle.isStopped()).toBe(false);
  });

  it("says that a process is not there", async () => {
    const gone = startIdleProcess();
    await gone[Symbol.asyncDispose]();
    await expect(pauseProcess(gone.pid)).rejects.toThrow(`process ${gone.pid} cannot be stopped`);
  });
});

const moduleUrl = new URL("../../../examples/bank/cluster/pause-process.ts", import.meta.url).href;
