import { describe, expect, it } from "vitest";
import { processMicros } from "../../../bench/etcd/process-time.js";

describe.runIf(process.platform === "linux")("processMicros", () => {
  it("counts the processor time of all of them", () => {
    const { user, system } = process.cpuUsage();
    const own = processMicros([process.pid]) ?? 0;
    // Linux counts in ticks of 10 ms, and we go on meanwhile.
    expect(own).toBeGreaterThan(user + system - 100_000);
    expect(own).toBeLessThan(user + system + 1_000_000);
    expect(processMicros([process.pid, process.pid])).toBeGreaterThanOrEqual(2 * own);
  });

  it("does not know of a process that is gone", () => {
    expect(processMicros([process.pid, 2 ** 30])).toBeUndefined();
  });
});
