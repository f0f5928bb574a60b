import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { HashGate } from "../../../src/sessions/credentials/hash-gate.js";
import { turn } from "../../helpers/turn.js";
import { thrownBy } from "../client/client-session.js";

const { signal } = new AbortController();

/** Work that is finished by hand, and what was begun of it, in order. */
function manualWork() {
  const begun: string[] = [];
  const finish = new Map<string, () => void>();
  const work = (name: string) => () => {
    begun.push(name);
    return new Promise<string>((resolve) => finish.set(name, () => resolve(name)));
  };
  return { begun, work, finish: (name: string) => finish.get(name)?.() };
}

describe("HashGate", () => {
  it("runs no more than it may at a time, and the rest in the order in which they came", async () => {
    const gate = new HashGate({ maxConcurrent: 2 });
    const { begun, work, finish } = manualWork();
    const all = ["a", "b", "c", "d"].map((name) => gate.run(work(name), false, signal));
    await turn();
    expect(begun).toEqual(["a", "b"]);
    finish("b");
    await turn();
    expect(begun).toEqual(["a", "b", "c"]);
    finish("a");
    await turn();
    finish("c");
    finish("d");
    expect(await Promise.all(all)).toEqual(["a", "b", "c", "d"]);
  });

  it("lets those who are known go first", async () => {
    const gate = new HashGate({ maxConcurrent: 1 });
    const { begun, work, finish } = manualWork();
    const all = [
      gate.run(work("a"), false, signal),
      gate.run(work("stranger"), false, signal),
      gate.run(work("known"), true, signal),
    ];
    for (const name of ["a", "known", "stranger"]) {
      await turn();
      finish(name);
    }
    await Promise.all(all);
    expect(begun).toEqual(["a", "known", "stranger"]);
  });

  it("refuses more than may wait, in each row by itself", async () => {
    const gate = new HashGate({ maxConcurrent: 1, maxQueued: 1 });
    const { begun, work, finish } = manualWork();
    const all = [gate.run(work("a"), false, signal), gate.run(work("b"), false, signal)];
    await expect(gate.run(work("c"), false, signal)).rejects.toMatchObject({
      code: Code.ResourceExhausted,
      reason: "TOO_MANY_LOGINS",
    });
    all.push(gate.run(work("known"), true, signal));
    for (const name of ["a", "known", "b"]) {
      finish(name);
      await turn();
    }
    await Promise.all(all);
    expect(begun).toEqual(["a", "known", "b"]);
  });

  it("gives the place on after a failure", async () => {
    const gate = new HashGate({ maxConcurrent: 1 });
    const failed = gate.run(() => Promise.reject(new Error("no")), false, signal);
    const next = gate.run(async () => "next", false, signal);
    await expect(failed).rejects.toThrow("no");
    expect(await next).toBe("next");
    expect(await gate.run(async () => "later", false, signal)).toBe("later");
  });

  it("lets go of who does not wait any more, and of its place in the row", async () => {
    const gate = new HashGate({ maxConcurrent: 1, maxQueued: 1 });
    const { begun, work, finish } = manualWork();
    const leaving = new AbortController();
    const running = gate.run(work("a"), false, signal);
    const left = gate.run(work("b"), false, leaving.signal);
    leaving.abort();
    await expect(left).rejects.toMatchObject({ code: Code.Canceled });
    const next = gate.run(work("c"), false, signal);
    finish("a");
    await running;
    await turn();
    finish("c");
    expect(await next).toBe("c");
    expect(begun).toEqual(["a", "c"]);
    await expect(gate.run(work("d"), false, leaving.signal)).rejects.toMatchObject({ code: Code.Canceled });
  });

  it("finishes what was begun, though nobody waits for it", async () => {
    const gate = new HashGate({ maxConcurrent: 1 });
    const { work, finish } = manualWork();
    const leaving = new AbortController();
    const running = gate.run(work("a"), false, leaving.signal);
    leaving.abort();
    finish("a");
    expect(await running).toBe("a");
  });

  it.each([{ maxConcurrent: 0 }, { maxQueued: 0 }, { maxConcurrent: 1.5 }])("refuses %j", (options) => {
    expect(thrownBy(() => new HashGate(options)).code).toBe(Code.InvalidArgument);
  });
});
