import { describe, expect, it } from "vitest";
import type { BidiStream } from "../../../internal/stream/bidi-stream.js";
import { encodeBody, encodeEnvelope } from "../../../internal/wire/encode-envelope.js";
import { Metadata } from "../../../internal/wire/metadata.js";
import { stampKey } from "../../../src/sessions/stamp.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { features } from "../../server/raw-peer.js";
import type { RawRequest } from "./raw-session-client.js";
import { append, valueOf } from "./register-service.js";
import { SessionServer } from "./session-server.js";

checkLeaks();

/** Opens a stream by hand, which can be half-closed while requests of it wait. */
async function dial({ network, server }: SessionServer): Promise<BidiStream> {
  const options = { maxReceiveBytes: 1 << 24, keepaliveMs: 300_000, tls: undefined };
  const { signal } = new AbortController();
  const stream = await network.dial(server.address, Metadata.from(features), options, signal);
  const ignore = () => {};
  stream.open({ accepted: ignore, message: ignore, halfClosed: ignore, ended: ignore });
  return stream;
}

function send(stream: BidiStream, number: number, { method, payload }: RawRequest, stamp?: string): void {
  const entries = stamp === undefined ? [] : [{ key: stampKey, value: stamp }];
  stream.write(encodeEnvelope(number, false, encodeBody({ method, payload, entries })), () => {});
}

describe("a stream that its peer has half-closed", () => {
  it("lets go on what was accepted, and appends nothing more: nobody could be answered", async () => {
    await using server = await SessionServer.start();
    const client = await server.connect();
    const stream = await dial(server);
    send(stream, 1, client.registerRequest());
    await eventually(() => server.sessions.snapshot().boundClients === 1);
    client.session = server.appliedOp;
    const answerTail = server.control.holdTail();
    const tails = server.control.tails;
    send(stream, 2, append("a"), client.stamp(1));
    // Its barrier holds the stream, and what is behind it is still there when the peer says that it is done.
    send(stream, 3, append("c"), client.stamp(3));
    send(stream, 4, append("b"), client.stamp(2));
    send(stream, 5, append("x"));
    await eventually(() => server.control.tails === tails + 1);
    stream.end({ code: 0, message: "" });
    await eventually(() => server.sessions.snapshot().streams === 0);
    answerTail();
    await client.open({ nonce: 2, previous: client.session });
    expect(valueOf(await client.request(2, append("b")))).toBe("ab");
    expect(server.register.runs).toEqual(["a", "b"]);
    expect(server.control.kinds.filter((kind) => kind === "request" || kind === "call")).toEqual([
      "request",
      "request",
    ]);
  });
});
