import { describe, expect, it } from "vitest";
import { Code } from "../../internal/errors/code.js";
import type { BidiStream, StreamStatus } from "../../internal/stream/bidi-stream.js";
import { createLoopback } from "../../internal/stream/loopback.js";
import { eventually } from "../helpers/eventually.js";
import { ourHeaders } from "../helpers/fake-stream.js";
import { turn } from "../helpers/turn.js";

/** What one end was told, in order. */
interface Heard {
  readonly stream: BidiStream;
  readonly events: string[];
  readonly ends: StreamStatus[];
}

function listen(stream: BidiStream): Heard {
  const events: string[] = [];
  const ends: StreamStatus[] = [];
  stream.open({
    accepted: (headers) => events.push(`accepted ${headers.size}`),
    message: (bytes) => events.push(Buffer.from(bytes).toString()),
    halfClosed: () => events.push("half-closed"),
    ended: (status) => {
      events.push(`ended ${status.code}`);
      ends.push(status);
    },
  });
  return { stream, events, ends };
}

function openBoth() {
  const closed = { count: 0 };
  const loopback = createLoopback(ourHeaders, () => {
    closed.count += 1;
  });
  return { loopback, closed, dialling: listen(loopback.dialling), accepting: listen(loopback.accepting) };
}

/** Writes as a StreamWriter does: the next message once the one before is taken. Returns how many were taken. */
function writeAll(stream: BidiStream, count: number): { taken: number } {
  const progress = { taken: 0 };
  const next = () => {
    if (progress.taken === count) return;
    stream.write(Buffer.from(`m${progress.taken}`), () => {
      progress.taken += 1;
      next();
    });
  };
  next();
  return progress;
}

describe("a loopback stream", () => {
  it("carries messages in both directions, in order, and tells the dialling side the headers first", async () => {
    const { dialling, accepting } = openBoth();
    writeAll(dialling.stream, 40);
    writeAll(accepting.stream, 40);
    const messages = Array.from({ length: 40 }, (_, at) => `m${at}`);
    await eventually(() => dialling.events.length === 41 && accepting.events.length === 40);
    expect(dialling.events).toEqual(["accepted 1", ...messages]);
    expect(accepting.events).toEqual(messages);
  });

  it("tells nothing in the call that causes it", async () => {
    const { dialling, accepting } = openBoth();
    let written = false;
    dialling.stream.write(Buffer.from("m"), () => {
      written = true;
    });
    expect({ written, heard: accepting.events }).toEqual({ written: false, heard: [] });
    await eventually(() => written && accepting.events.length === 1);
  });

  it("hands over a copy", async () => {
    const { dialling, accepting } = openBoth();
    const bytes = Buffer.from("before");
    dialling.stream.write(bytes, () => {});
    bytes.write("after!");
    await eventually(() => accepting.events.length === 1);
    expect(accepting.events).toEqual(["before"]);
  });

  it("stops the writer when the reader stops, and goes on when the reader does", async () => {
    const { dialling, accepting } = openBoth();
    accepting.stream.setReading(false);
    const progress = writeAll(dialling.stream, 100);
    for (let turns = 0; turns < 50; turns++) await turn();
    expect(accepting.events).toEqual([]);
    expect(progress.taken).toBe(16);
    accepting.stream.setReading(true);
    await eventually(() => progress.taken === 100 && accepting.events.length === 100);
  });

  it("holds what comes before it is opened", async () => {
    const { dialling, accepting } = createLoopback(ourHeaders);
    dialling.open({ accepted: () => {}, message: () => {}, halfClosed: () => {}, ended: () => {} });
    dialling.write(Buffer.from("early"), () => {});
    await turn();
    const heard = listen(accepting);
    await eventually(() => heard.events.length === 1);
    expect(heard.events).toEqual(["early"]);
  });

  it("half-closes behind what was written, and can still be answered", async () => {
    const { dialling, accepting, closed } = openBoth();
    dialling.stream.write(Buffer.from("last"), () => {});
    dialling.stream.end({ code: Code.Ok, message: "" });
    await eventually(() => accepting.events.length === 2);
    expect(accepting.events).toEqual(["last", "half-closed"]);
    accepting.stream.write(Buffer.from("answer"), () => {});
    accepting.stream.end({ code: Code.Ok, message: "" });
    await eventually(() => closed.count === 1);
    expect(dialling.events).toEqual(["accepted 1", "answer", "ended 0"]);
    expect(accepting.events.at(-1)).toBe("ended 0");
  });

  it("ends with the status of the accepting side, behind what that had written", async () => {
    const { dialling, accepting, closed } = openBoth();
    accepting.stream.write(Buffer.from("last"), () => {});
    accepting.stream.end({ code: Code.Unavailable, message: "closing" });
    await eventually(() => closed.count === 1);
    expect(dialling.events).toEqual(["accepted 1", "last", "ended 14"]);
    expect(dialling.ends).toEqual([{ code: Code.Unavailable, message: "closing" }]);
    expect(accepting.events).toEqual(["ended 14"]);
  });

  it("is reset by the dialling side: the other one is told at once, though it does not read", async () => {
    const { dialling, accepting, closed } = openBoth();
    accepting.stream.setReading(false);
    dialling.stream.write(Buffer.from("lost"), () => {});
    dialling.stream.cancel({ code: Code.Canceled, message: "enough" });
    // What happens in the same turn changes nothing.
    accepting.stream.setReading(false);
    await eventually(() => closed.count === 1);
    expect(accepting.events).toEqual(["ended 1"]);
    expect(dialling.events).toEqual([]);
  });

  it("shows a dialling side that does not read the status only when it reads again", async () => {
    const { dialling, accepting } = openBoth();
    await turn();
    dialling.stream.setReading(false);
    accepting.stream.cancel({ code: Code.AlreadyExists, message: "replaced" });
    for (let turns = 0; turns < 10; turns++) await turn();
    expect(dialling.events).toEqual(["accepted 1"]);
    dialling.stream.setReading(true);
    await eventually(() => dialling.ends.length === 1);
    expect(dialling.ends).toEqual([{ code: Code.AlreadyExists, message: "replaced" }]);
    expect(accepting.events).toEqual([]);
  });

  it("that breaks off ends both sides once, with different codes, and confirms no write", async () => {
    const { loopback, dialling, accepting, closed } = openBoth();
    accepting.stream.setReading(false);
    const progress = writeAll(dialling.stream, 100);
    await eventually(() => progress.taken === 16);
    loopback.breakOff();
    loopback.breakOff();
    await eventually(() => closed.count === 1);
    for (let turns = 0; turns < 10; turns++) await turn();
    expect(dialling.events.slice(-1)).toEqual([`ended ${Code.Unavailable}`]);
    expect(accepting.events).toEqual([`ended ${Code.Canceled}`]);
    expect(progress.taken).toBe(16);
    expect(closed.count).toBe(1);
  });

  it("tells and takes nothing after its end", async () => {
    const { dialling, accepting, closed } = openBoth();
    dialling.stream.cancel({ code: Code.Canceled, message: "enough" });
    await eventually(() => closed.count === 1);
    const progress = writeAll(accepting.stream, 1);
    writeAll(dialling.stream, 1);
    for (let turns = 0; turns < 10; turns++) await turn();
    expect(progress.taken).toBe(0);
    expect(accepting.events).toEqual(["ended 1"]);
    expect(dialling.events).toEqual([]);
  });
});
