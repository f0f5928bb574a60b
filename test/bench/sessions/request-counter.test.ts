import { describe, expect, it } from "vitest";
import { RequestCounter } from "../../../bench/sessions/request-counter.js";

const context = { op: 1, timestampMs: 0, user: "", client: undefined };

describe("RequestCounter", () => {
  it("returns the payload, and counts", () => {
    const counter = new RequestCounter();
    const payload = Uint8Array.of(1, 2);
    for (let calls = 0; calls < 3; calls++) {
      expect(counter.handlers.echo({ $typeName: "bench.sessions.v1.EchoMessage", payload }, context)).toEqual(
        {
          payload,
        },
      );
    }
    expect(counter.count).toBe(3);
  });

  it("goes on from its snapshot", () => {
    const [before, after] = [new RequestCounter(), new RequestCounter()];
    const message = { $typeName: "bench.sessions.v1.EchoMessage", payload: Uint8Array.of() } as const;
    before.handlers.echo(message, context);
    before.handlers.echo(message, context);
    const bytes = before.options.snapshot();
    // As a view of something larger, as snapshots come.
    const large = new Uint8Array(bytes.length + 3);
    large.set(bytes, 3);
    after.options.restore(large.subarray(3), 0);
    after.handlers.echo(message, context);
    expect(after.count).toBe(3);
  });
});
