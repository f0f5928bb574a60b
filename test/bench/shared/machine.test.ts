import { describe, expect, it } from "vitest";
import { formatMachine, thisMachine } from "../../../bench/shared/machine.js";

describe("formatMachine", () => {
  it("shows what was measured on, and which versions", () => {
    const machine = {
      date: "2026-01-01T00:00:00.000Z",
      processor: "A Processor",
      cores: 2,
      system: "Linux 6.1",
      load: 0.456,
      node: "20.1.0",
      quorate: "0.1.0",
      grpc: "1.2.3",
    };
    expect(formatMachine(machine)).toBe(
      "2 × A Processor, Linux 6.1, load 0.46\nNode 20.1.0, quorate 0.1.0, grpc-js 1.2.3",
    );
  });
});

describe("thisMachine", () => {
  it("names what runs here", () => {
    const machine = thisMachine();
    expect(machine.node).toBe(process.versions.node);
    expect([machine.quorate, machine.grpc]).toEqual([
      expect.stringMatching(/^\d+\.\d+\.\d+/),
      expect.stringMatching(/^\d+\.\d+\.\d+/),
    ]);
    expect(machine.cores).toBeGreaterThan(0);
  });
});
