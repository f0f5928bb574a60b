import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import type { SessionEvent } from "../../../src/sessions/client/session.js";
import { SessionEvents } from "../../../src/sessions/client/session-events.js";

const ended: SessionEvent = { kind: "ended", error: undefined };

function failingOver(text: string): SessionEvent {
  return { kind: "failingOver", error: new QuorateError(Code.Unavailable, text) };
}

const [first, second, third, fourth] = ["1", "2", "3", "4"].map(failingOver);

async function read(events: SessionEvents): Promise<SessionEvent[]> {
  const all: SessionEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

describe("SessionEvents", () => {
  it("tells each reader what holds, what comes, and the end", async () => {
    const events = new SessionEvents(8);
    events.emit(failingOver("long ago"));
    if (first === undefined || second === undefined) throw new Error("none");
    events.emit(first);
    const early = read(events);
    events.emit(second);
    const late = read(events);
    events.emit(ended);
    expect(await early).toEqual([first, second, ended]);
    expect(await late).toEqual([second, ended]);
    expect(await read(events)).toEqual([ended]);
  });

  it("lets a reader wait, in order", async () => {
    const events = new SessionEvents(8);
    const reader = events[Symbol.asyncIterator]();
    const waiting = [reader.next(), reader.next(), reader.next()];
    if (first === undefined) throw new Error("none");
    events.emit(first);
    events.emit(ended);
    expect(await Promise.all(waiting)).toEqual([
      { done: false, value: first },
      { done: false, value: ended },
      { done: true, value: undefined },
    ]);
    expect(await reader.next()).toEqual({ done: true, value: undefined });
  });

  it("leaves out the oldest for a slow reader, and says how many", async () => {
    const events = new SessionEvents(2);
    const slow = events[Symbol.asyncIterator]();
    for (const event of [first, second, third, fourth]) if (event !== undefined) events.emit(event);
    expect(await slow.next()).toEqual({ done: false, value: { kind: "missed", events: 2 } });
    events.emit(ended);
    expect(await slow.next()).toEqual({ done: false, value: { kind: "missed", events: 1 } });
    expect([await slow.next(), await slow.next(), await slow.next()]).toEqual([
      { done: false, value: fourth },
      { done: false, value: ended },
      { done: true, value: undefined },
    ]);
  });

  it("ends a reader that leaves, also one that waits", async () => {
    const events = new SessionEvents(2);
    const reader = events[Symbol.asyncIterator]();
    const waiting = reader.next();
    await reader.return?.();
    expect(await waiting).toEqual({ done: true, value: undefined });
    events.emit(ended);
    expect(await reader.next()).toEqual({ done: true, value: undefined });
  });
});
