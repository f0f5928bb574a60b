import { describe, expect, it } from "vitest";
import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import type { BidiStream } from "../../internal/stream/bidi-stream.js";
import { createMemoryTransport, type MemoryTransport } from "../../internal/transport/memory-transport.js";
import type { AcceptedStream } from "../../internal/transport/transport.js";
import { Metadata } from "../../internal/wire/metadata.js";
import { eventually } from "../helpers/eventually.js";
import { ourHeaders } from "../helpers/fake-stream.js";
import { turn } from "../helpers/turn.js";

const listenOptions = {
  maxReceiveBytes: 1 << 20,
  keepaliveMs: 20_000,
  keepaliveTimeoutMs: 10_000,
  headers: ourHeaders,
};
const dialOptions = { maxReceiveBytes: 1 << 20, keepaliveMs: 300_000 };
const noHeaders = Metadata.empty;

function dial(
  transport: MemoryTransport,
  address: string,
  { headers = noHeaders, signal = new AbortController().signal } = {},
): Promise<BidiStream> {
  return transport.dial(address, headers, dialOptions, signal);
}

/** Opens a stream's end and keeps what it is told. */
function listenTo(stream: BidiStream): { readonly messages: string[]; readonly codes: number[] } {
  const messages: string[] = [];
  const codes: number[] = [];
  stream.open({
    accepted: () => {},
    message: (bytes) => messages.push(Buffer.from(bytes).toString()),
    halfClosed: () => {},
    ended: ({ code }) => codes.push(code),
  });
  return { messages, codes };
}

/** A listener with all that it accepted, each already opened. */
async function openListener(transport: MemoryTransport, address: string) {
  const listener = await transport.listen(address, listenOptions);
  const accepted: (AcceptedStream & ReturnType<typeof listenTo>)[] = [];
  listener.accept((stream) => accepted.push({ ...stream, ...listenTo(stream.stream) }));
  return { listener, accepted };
}

describe("the memory transport", () => {
  it("opens a stream with its headers to who listens at the address", async () => {
    const transport = createMemoryTransport();
    const { accepted } = await openListener(transport, "a:1");
    const stream = await dial(transport, "a:1", { headers: Metadata.from({ "gorums-node-id": "3" }) });
    const heard = listenTo(stream);
    expect(accepted[0]?.headers.get("gorums-node-id")).toBe("3");
    expect(accepted[0]?.remoteAddress).toMatch(/^memory:/);
    stream.write(Buffer.from("there"), () => {});
    accepted[0]?.stream.write(Buffer.from("back"), () => {});
    await eventually(() => heard.messages.length === 1 && accepted[0]?.messages.length === 1);
    expect([accepted[0]?.messages, heard.messages]).toEqual([["there"], ["back"]]);
  });

  it("is a network of its own", async () => {
    await openListener(createMemoryTransport(), "a:1");
    await expect(dial(createMemoryTransport(), "a:1")).rejects.toMatchObject({ code: Code.Unavailable });
  });

  it("holds streams that come before the listener accepts", async () => {
    const transport = createMemoryTransport();
    const listener = await transport.listen("a:1", listenOptions);
    await dial(transport, "a:1");
    const held: AcceptedStream[] = [];
    listener.accept((stream) => held.push(stream));
    expect(held).toHaveLength(1);
    await dial(transport, "a:1");
    expect(held).toHaveLength(2);
  });

  it("refuses an address at which nobody listens, with the address in the text", async () => {
    await expect(dial(createMemoryTransport(), "nobody:1")).rejects.toThrow(QuorateError);
    await expect(dial(createMemoryTransport(), "nobody:1")).rejects.toMatchObject({
      code: Code.Unavailable,
      message: expect.stringContaining("nobody:1") as string,
    });
  });

  it("gives up an attempt whose signal has ended, with its reason", async () => {
    const transport = createMemoryTransport();
    const { accepted } = await openListener(transport, "a:1");
    const controller = new AbortController();
    const attempt = dial(transport, "a:1", { signal: controller.signal });
    controller.abort(new QuorateError(Code.DeadlineExceeded, "too slow"));
    await expect(attempt).rejects.toMatchObject({ code: Code.DeadlineExceeded, message: "too slow" });
    expect(accepted).toEqual([]);
  });

  it("refuses an address that is in use, until its listener stops", async () => {
    const transport = createMemoryTransport();
    const { listener } = await openListener(transport, "a:1");
    await expect(transport.listen("a:1", listenOptions)).rejects.toMatchObject({ reason: "LISTEN_FAILED" });
    await listener.stop();
    expect((await transport.listen("a:1", listenOptions)).address).toBe("a:1");
  });

  it("gives a free port for port 0, never one that is in use", async () => {
    const transport = createMemoryTransport();
    for (const address of ["a:1", "a:2", "b:1"]) await transport.listen(address, listenOptions);
    const addresses: string[] = [];
    for (let at = 0; at < 3; at++) addresses.push((await transport.listen("a:0", listenOptions)).address);
    expect(new Set(addresses)).toHaveProperty("size", 3);
    for (const address of addresses) {
      expect(address).toMatch(/^a:[1-9]\d*$/);
      await expect(dial(transport, address)).resolves.toBeDefined();
    }
  });

  it("breaks the streams of an address, and can be dialled again", async () => {
    const transport = createMemoryTransport();
    const { accepted } = await openListener(transport, "a:1");
    const { accepted: others } = await openListener(transport, "b:1");
    const [broken, other] = [listenTo(await dial(transport, "a:1")), listenTo(await dial(transport, "b:1"))];
    transport.breakStreams("a:1");
    await eventually(() => broken.codes.length === 1 && accepted[0]?.codes.length === 1);
    expect([broken.codes, accepted[0]?.codes]).toEqual([[Code.Unavailable], [Code.Canceled]]);
    expect([other.codes, others[0]?.codes]).toEqual([[], []]);
    await expect(dial(transport, "a:1")).resolves.toBeDefined();
    transport.breakStreams("nobody:1");
  });

  it("while an address is down, breaks its streams and refuses attempts", async () => {
    const transport = createMemoryTransport();
    await openListener(transport, "a:1");
    const heard = listenTo(await dial(transport, "a:1"));
    transport.setDown("a:1", true);
    await eventually(() => heard.codes.length === 1);
    await expect(dial(transport, "a:1")).rejects.toMatchObject({ code: Code.Unavailable });
    transport.setDown("a:1", false);
    await expect(dial(transport, "a:1")).resolves.toBeDefined();
  });

  it("stops a writer whose reader stops", async () => {
    const transport = createMemoryTransport();
    const { accepted } = await openListener(transport, "a:1");
    const stream = await dial(transport, "a:1");
    listenTo(stream);
    accepted[0]?.stream.setReading(false);
    let taken = 0;
    const next = () => {
      stream.write(Buffer.from("x"), () => {
        taken += 1;
        next();
      });
    };
    next();
    for (let turns = 0; turns < 50; turns++) await turn();
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThan(100);
    const stalled = taken;
    accepted[0]?.stream.setReading(true);
    await eventually(() => taken > stalled + 100);
    stream.cancel({ code: Code.Canceled, message: "enough" });
  });

  describe("stop and destroy", () => {
    it("stop takes no more streams, and waits for those that are open", async () => {
      const transport = createMemoryTransport();
      const { listener } = await openListener(transport, "a:1");
      const streams = [await dial(transport, "a:1"), await dial(transport, "a:1")];
      for (const stream of streams) listenTo(stream);
      let stopped = false;
      const stop = listener.stop().then(() => {
        stopped = true;
      });
      await expect(dial(transport, "a:1")).rejects.toMatchObject({ code: Code.Unavailable });
      streams[0]?.cancel({ code: Code.Canceled, message: "enough" });
      for (let turns = 0; turns < 10; turns++) await turn();
      expect(stopped).toBe(false);
      streams[1]?.cancel({ code: Code.Canceled, message: "enough" });
      await stop;
    });

    it("stop is done at once if nothing is open", async () => {
      const { listener } = await openListener(createMemoryTransport(), "a:1");
      await expect(listener.stop()).resolves.toBeUndefined();
    });

    it("destroy ends everything that is open", async () => {
      const transport = createMemoryTransport();
      const { listener, accepted } = await openListener(transport, "a:1");
      const heard = listenTo(await dial(transport, "a:1"));
      const stopped = listener.stop();
      listener.destroy();
      await stopped;
      expect([heard.codes, accepted[0]?.codes]).toEqual([[Code.Unavailable], [Code.Canceled]]);
    });

    it("a late destroy does not take the address away from who listens there now", async () => {
      const transport = createMemoryTransport();
      const { listener: old } = await openListener(transport, "a:1");
      await old.stop();
      const { accepted } = await openListener(transport, "a:1");
      old.destroy();
      await dial(transport, "a:1");
      expect(accepted).toHaveLength(1);
    });
  });
});
