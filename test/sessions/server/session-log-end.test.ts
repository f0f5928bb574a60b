import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import { AppendError } from "../../../src/sessions/commit-log/log-errors.js";
import { createMemoryLog, createMemoryLogStore } from "../../../src/sessions/commit-log/memory-log.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { turn } from "../../helpers/turn.js";
import { id, text } from "../table/test-table.js";
import { FaultyLog, newGate } from "./faulty-log.js";
import { foreign, onApplied, openTestLog, register, TestObserver } from "./open-test-log.js";

const failure = (outcome: "not-appended" | "unknown") =>
  new AppendError(outcome, Code.Unavailable, "the disk is full", { reason: "LOG_UNAVAILABLE" });

describe("SessionLog that stops", () => {
  checkLeaks();

  it("tells all that is pending, then the observer, once; and takes nothing more", async () => {
    const store = createMemoryLogStore();
    const raw = store.open();
    const log = new FaultyLog(store.open());
    await using opened = await openTestLog(log);
    await raw.genesis(text(""));
    await opened.register(1);
    const told = opened.observer.told;
    told.length = 0;
    const gate = newGate<number>();
    log.faults.append = () => gate.promise;
    const errors: QuorateError[] = [];
    for (let client = 3; client <= 4; client++) {
      opened.log.propose(register(client), {
        applied: () => told.push("pending applied"),
        failed: (error, outcome) => {
          told.push(`pending ${outcome}`);
          errors.push(error);
        },
      });
    }
    const wait = opened.log.waitApplied(1_000).applied;
    await raw.append(text("no entry"));
    await eventually(() => told.length === 3);
    expect(told).toEqual(["pending unknown", "pending unknown", "stopped DAMAGED_ENTRY"]);
    const stopped = opened.log.stopped;
    expect(stopped).toMatchObject({ code: Code.DataLoss, reason: "DAMAGED_ENTRY" });
    const error = { code: Code.Unavailable, reason: "SESSIONS_STOPPED", cause: stopped };
    expect(errors).toMatchObject([error, error]);
    await expect(wait).rejects.toMatchObject(error);
    await expect(opened.log.waitApplied(1_000).applied).rejects.toMatchObject(error);
    await expect(opened.log.barrier()).rejects.toMatchObject(error);
    expect(await opened.propose(register(4))).toMatchObject({ error, outcome: "not-appended" });
    gate.fail(failure("unknown"));
    await raw.append(foreign(register(2)));
    await turn();
    expect(told).toHaveLength(3);
    expect(opened.log.table.session(id(2))).toBeUndefined();
  });

  it("stops with what a state machine throws, before anybody is told of the entry", async () => {
    const observer = new TestObserver();
    await using opened = await openTestLog(createMemoryLog(), { observer });
    await opened.register(1);
    opened.machine.fault = new QuorateError(Code.Unimplemented, "no such method", {
      reason: "UNKNOWN_ENTRY",
    });
    const outcome = await opened.propose(opened.request(1));
    expect(outcome).toMatchObject({ outcome: "unknown", error: { reason: "SESSIONS_STOPPED" } });
    expect(observer.told).toEqual(["applied 2", "stopped UNKNOWN_ENTRY"]);
    expect(observer.errors).toEqual([opened.machine.fault]);
  });
});

describe("SessionLog.close", () => {
  checkLeaks();

  it("fails what is pending, ends all waits, and closes the commit log", async () => {
    const log = new FaultyLog(createMemoryLog());
    const opened = await openTestLog(log);
    await opened.register(1);
    log.faults.append = () => new Promise(() => {});
    log.faults.tail = () => new Promise(() => {});
    const pending = opened.propose(register(2));
    const barrier = opened.log.barrier();
    const second = opened.log.barrier();
    const wait = opened.log.waitApplied(100).applied;
    const closed = opened.log.close();
    expect(opened.log.close()).toBe(closed);
    const error = { code: Code.Unavailable, reason: "RETRY" };
    await Promise.all([
      expect(pending).resolves.toMatchObject({ error, outcome: "unknown" }),
      expect(barrier).rejects.toMatchObject(error),
      expect(second).rejects.toMatchObject(error),
      expect(wait).rejects.toMatchObject(error),
      closed,
    ]);
    await expect(log.real.tail()).rejects.toMatchObject({ reason: "CLOSED" });
    expect(await opened.propose(register(2))).toMatchObject({ error, outcome: "not-appended" });
    expect(opened.log.stopped).toBeUndefined();
    expect(opened.observer.told).toEqual(["applied 2"]);
  });

  it("leaves the entries before it closes the commit log", async () => {
    const log = new FaultyLog(createMemoryLog());
    const order: string[] = [];
    log.faults.entries = async function* read(real) {
      try {
        yield* real;
      } finally {
        await turn();
        order.push("left");
      }
    };
    log.close = async () => {
      order.push("closed");
      await log.real.close();
    };
    const opened = await openTestLog(log);
    await opened.log.close();
    expect(order).toEqual(["left", "closed"]);
  });

  it("may be called by whoever is told of an entry, of which then nothing more is told", async () => {
    const opened = await openTestLog(createMemoryLog());
    const closed = newGate();
    opened.log.propose(
      register(1),
      onApplied(() => void opened.log.close().then(() => closed.open())),
    );
    await closed.promise;
    expect(opened.observer.told).toEqual([]);
  });
});
