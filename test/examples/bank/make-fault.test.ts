import { describe, expect, it } from "vitest";
import type { Fault } from "../../../examples/bank/demo/fault-plan.js";
import { makeFault } from "../../../examples/bank/demo/make-fault.js";

/** A client, a proxy and a server that write down what is asked of them, and let a fault get on. */
function record() {
  const calls: string[] = [];
  let progress = 0;
  let lostBytes = 0;
  let looks = 0;
  const run = async (name: string) => {
    if (name === "progress") return ++progress > 2 ? 1 : 0;
    calls.push(name);
    return "ann-7";
  };
  const client = {
    worker: { name: "ann", run: run as never },
    proxy: {
      lose: (direction: string) => calls.push(`lose ${direction}`),
      cut: () => calls.push("cut") && 1,
      cutAfter: async (direction: string, bytes: number) => {
        calls.push(`cut after ${bytes} of ${direction}`);
      },
      get lostBytes() {
        lostBytes += 40;
        return lostBytes;
      },
    },
  };
  const server = {
    hasTransfer: async (transferId: string) => {
      const applied = ++looks > 2;
      if (applied) calls.push(`${transferId} applied`);
      return applied;
    },
    kill: async (afterMs = 0) => {
      calls.push(`kill after ${afterMs}`);
    },
    start: async () => {
      calls.push("start");
      return "127.0.0.1:1";
    },
  };
  return { calls, client, server };
}

describe("makeFault", () => {
  const faults: [Fault, string[]][] = [
    [{ kind: "kill", afterMs: 12 }, ["kill after 12", "start"]],
    [{ kind: "cut", client: 0, direction: "answers", bytes: 9 }, ["cut after 9 of answers"]],
    [{ kind: "loseRequests", client: 0 }, ["lose requests", "transferOnce", "cut"]],
    [{ kind: "loseAnswers", client: 0 }, ["lose answers", "transferOnce", "ann-7 applied", "cut"]],
    [
      { kind: "killUnanswered", client: 0 },
      ["lose answers", "transferOnce", "ann-7 applied", "kill after 0", "cut", "start"],
    ],
  ];
  it.each(faults)("makes %o", async (fault, expected) => {
    const { calls, client, server } = record();
    expect(await makeFault(fault, [client], server)).toMatch(/\w/);
    expect(calls).toEqual(expected);
  });

  it("refuses a client that is not there", async () => {
    const { client, server } = record();
    await expect(makeFault({ kind: "loseAnswers", client: 1 }, [client], server)).rejects.toThrow(
      "there is no client 1",
    );
  });
});
