import { once } from "node:events";
import { createSecureServer, type Http2SecureServer } from "node:http2";
import { type AddressInfo, connect as connectTcp } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { Code, QuorateError } from "quorate";
import { afterAll, describe, expect, it } from "vitest";
import { grpcTransport } from "../../internal/transport/grpc-transport.js";
import { readTls, type ServerTlsOptions, type TlsOptions } from "../../internal/transport/tls-options.js";
import type { AcceptedStream, DialledStream, Listener } from "../../internal/transport/transport.js";
import { Metadata } from "../../internal/wire/metadata.js";
import { createAuthority, issueReplica } from "../helpers/certificates.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { openSilentListener } from "./raw-peers.js";
import { dialOptions, listenForTest, recordStream } from "./record-stream.js";

checkLeaks();

const warnings: Error[] = [];
const warned = (warning: Error) => warnings.push(warning);
process.on("warning", warned);
afterAll(() => {
  process.off("warning", warned);
});

const authority = createAuthority();
const { ca } = authority;
const [one, two] = [issueReplica(authority, 1), issueReplica(authority, 2)];
const stranger = createAuthority("a stranger");
const foreign = issueReplica(stranger, 2);
const cancel = { code: Code.Canceled, message: "the test is over" };
const mutual: ServerTlsOptions = { ...one, ca, clientCertificates: "required" };

/** A listener, with the streams that came; without options of TLS it is plain text. */
async function listen(tls: ServerTlsOptions | undefined) {
  const listener: Listener = await listenForTest({ tls: tls && readTls(tls, "server") });
  const accepted: AcceptedStream[] = [];
  listener.accept((stream) => {
    recordStream(stream.stream);
    accepted.push(stream);
  });
  const { address } = listener;
  const stop = async () => {
    // A connection that was turned away is not waited for: it is over.
    await listener.stop();
  };
  return { address, port: Number(address.split(":")[1]), accepted, [Symbol.asyncDispose]: stop };
}

function dial(
  address: string,
  tls: TlsOptions | undefined,
  signal: AbortSignal = new AbortController().signal,
): Promise<DialledStream> {
  const options = { ...dialOptions, tls: tls && readTls(tls, "client") };
  return grpcTransport.dial(address, Metadata.empty, options, signal);
}

async function failureOf(dialled: Promise<DialledStream>): Promise<unknown> {
  return dialled.then(
    () => "it is connected",
    (error: unknown) => error,
  );
}

const unavailable = (text: RegExp) =>
  expect.objectContaining({
    code: Code.Unavailable,
    message: expect.stringMatching(text) as string,
  }) as Error;

describe("a stream over TLS", () => {
  it("carries messages both ways, and tells either side of the other's certificate", async () => {
    await using server = await listen(mutual);
    const stream = await dial(server.address, { ca, ...two });
    const record = recordStream(stream);
    await eventually(() => server.accepted.length === 1, "the stream");
    const [accepted] = server.accepted;
    expect(stream.tls?.certificate).toMatchObject({ commonName: "replica 1", uris: ["quorate://node/1"] });
    expect(accepted?.tls?.certificate).toMatchObject({ commonName: "replica 2", uris: ["quorate://node/2"] });
    expect(accepted?.remoteAddress).toMatch(/^127\.0\.0\.1:\d+$/);
    await new Promise<void>((resolve) => accepted?.stream.write(Buffer.alloc(100_000, 7), resolve));
    await eventually(() => record.messages.length === 1, "the message");
    expect(record.messages[0]?.equals(Buffer.alloc(100_000, 7))).toBe(true);
    stream.cancel(cancel);
  });

  it("is known to be TLS also where the client has no certificate", async () => {
    await using server = await listen({ ...one });
    const stream = await dial(server.address, { ca });
    await eventually(() => server.accepted.length === 1, "the stream");
    expect(server.accepted[0]?.tls).toEqual({ certificate: undefined });
    stream.cancel(cancel);
  });

  it("is plain text without the option", async () => {
    await using server = await listen(undefined);
    const stream = await dial(server.address, undefined);
    await eventually(() => server.accepted.length === 1, "the stream");
    expect([stream.tls, server.accepted[0]?.tls]).toEqual([undefined, undefined]);
    stream.cancel(cancel);
  });
});

describe("the certificate of a server", () => {
  const forIp = authority.issue({ names: ["IP:127.0.0.1"] });
  const forName = authority.issue({ names: ["DNS:localhost"] });

  it.each([
    ["[TL-02] [J-17] an IP address, by that address", forIp, "127.0.0.1", {}],
    ["[W-27] a name, by that name", forName, "localhost", {}],
    ["a name that is said, by the address", forName, "127.0.0.1", { serverName: "localhost" }],
    ["an IP address that is said, by the name", forIp, "localhost", { serverName: "127.0.0.1" }],
  ])("is good for %s", async (_, certificate, host, options) => {
    await using server = await listen({ ...certificate });
    const stream = await dial(`${host}:${server.port}`, { ca, ...options });
    expect(stream.tls?.certificate?.commonName).toBe("leaf");
    stream.cancel(cancel);
    expect(warnings).toEqual([]);
  });

  it.each([
    [
      "[TL-02] [J-17] an IP address that it is not for",
      forName,
      "127.0.0.1",
      {},
      /IP: 127\.0\.0\.1 is not in/,
    ],
    ["[W-27] a name whose address it is for", forIp, "localhost", {}, /Host: localhost\./],
    [
      "a name that is said and not its own",
      forName,
      "localhost",
      { serverName: "other.example" },
      /other\.example/,
    ],
    ["a name, if an authority of another signed it", foreign, "localhost", {}, /unable to verify/],
    [
      "a time that has passed",
      authority.issue({ names: ["IP:127.0.0.1"], validMs: -1_000 }),
      "127.0.0.1",
      {},
      /certificate has expired/,
    ],
  ])("is not good for %s", async (_, certificate, host, options, text) => {
    await using server = await listen({ ...certificate });
    const address = `${host}:${server.port}`;
    const failure = await failureOf(dial(address, { ca, ...options }));
    expect(failure).toEqual(unavailable(new RegExp(`^the TLS handshake with ${address} failed: `)));
    expect(failure).toEqual(unavailable(text));
    expect(server.accepted).toEqual([]);
  });

  it("of the test is not good where only the authorities of the system are", async () => {
    await using server = await listen({ ...one });
    expect(await failureOf(dial(server.address, {}))).toEqual(
      unavailable(/TLS handshake .* unable to verify/),
    );
  });
});

describe("[F-35] [W-27] the name that a server is asked for", () => {
  async function openNamedServer() {
    const names: unknown[] = [];
    const authorities: (string | undefined)[] = [];
    const server: Http2SecureServer = createSecureServer({ ...one });
    server.on("secureConnection", (socket: TLSSocket) => names.push(Reflect.get(socket, "servername")));
    server.on("stream", (stream, headers) => {
      stream.on("error", () => {});
      authorities.push(headers[":authority"]);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
    return { names, authorities, port, [Symbol.asyncDispose]: close };
  }

  it.each([
    ["localhost", "localhost"],
    // RFC 6066 has no IP addresses here.
    ["127.0.0.1", false],
  ])("at %s is %s; the authority is the address as it was given", async (host, name) => {
    await using server = await openNamedServer();
    const stream = await dial(`${host}:${server.port}`, { ca });
    await eventually(() => server.authorities.length === 1, "the stream");
    expect(server.names).toEqual([name]);
    expect(server.authorities).toEqual([`${host}:${server.port}`]);
    stream.cancel(cancel);
  });
});

describe("a server that asks for certificates", () => {
  it.each([
    ["none", { ca }, /certificate required/],
    ["one of another authority", { ca, ...foreign }, /it may not take our certificate/],
    [
      "one that has expired",
      { ca, ...authority.issue({ names: ["URI:quorate://node/2"], validMs: -1_000 }) },
      /it may not take our certificate/,
    ],
  ])("refuses a client with %s", async (_, options, text) => {
    await using server = await listen(mutual);
    expect(await failureOf(dial(server.address, options))).toEqual(unavailable(/TLS handshake/));
    expect(await failureOf(dial(server.address, options))).toEqual(unavailable(text));
    expect(server.accepted).toEqual([]);
  });

  it.each([
    ["its name if it is valid", two, ["quorate://node/2"]],
    ["none for one of another authority", foreign, undefined],
    ["none for none", {}, undefined],
  ])("where they are optional, knows %s", async (_, certificate, uris) => {
    await using server = await listen({ ...mutual, clientCertificates: "optional" });
    const stream = await dial(server.address, { ca, ...certificate });
    await eventually(() => server.accepted.length === 1, "the stream");
    expect(server.accepted[0]?.tls).toBeDefined();
    expect(server.accepted[0]?.tls?.certificate?.uris).toEqual(uris);
    stream.cancel(cancel);
  });
});

describe("sides that disagree about TLS", () => {
  it("a plain client at a TLS server fails at once, and others are served on", async () => {
    await using server = await listen({ ...one });
    const good = await dial(server.address, { ca });
    const record = recordStream(good);
    expect(await failureOf(dial(server.address, undefined))).toEqual(unavailable(/./));
    await eventually(() => server.accepted.length === 1, "the stream");
    server.accepted[0]?.stream.write(Buffer.from("still here"), () => {});
    await eventually(() => record.messages.length === 1, "a message");
    good.cancel(cancel);
  });

  it("a TLS client at a plain server fails at once, and says that it was TLS", async () => {
    await using server = await listen(undefined);
    const good = await dial(server.address, undefined);
    expect(await failureOf(dial(server.address, { ca }))).toEqual(
      unavailable(/^the TLS handshake with 127\.0\.0\.1:\d+ failed: wrong version number$/),
    );
    await eventually(() => server.accepted.length === 1, "the stream");
    good.cancel(cancel);
  });

  it("a TLS client gives up a server that says nothing, and leaves nothing", async () => {
    await using silent = await openSilentListener();
    const controller = new AbortController();
    const attempt = failureOf(dial(silent.address, { ca }, controller.signal));
    await eventually(() => (silent.sockets[0]?.bytesRead ?? 0) > 0, "the hello");
    const reason = new QuorateError(Code.Aborted, "changed our mind");
    controller.abort(reason);
    expect(await attempt).toBe(reason);
    await eventually(() => silent.sockets.every((socket) => socket.closed), "the end of the connection");
  });

  it.each([
    ["garbage", "474554202f20485454502f312e310d0a0d0a"],
    ["nothing", ""],
  ])("a TLS server lets go of a client that says %s and leaves", async (_, hex) => {
    await using server = await listen({ ...one });
    const socket = connectTcp(server.port, "127.0.0.1");
    socket.on("error", () => {});
    await once(socket, "connect");
    socket.end(Buffer.from(hex, "hex"));
    socket.resume();
    await eventually(() => socket.closed, "the end of the connection");
    expect(server.accepted).toEqual([]);
    const good = await dial(server.address, { ca });
    await eventually(() => server.accepted.length === 1, "the stream");
    good.cancel(cancel);
  });

  it("a TLS server lets go of a client that does TLS and another protocol", async () => {
    await using server = await listen({ ...one });
    const socket = connectTls({ port: server.port, host: "127.0.0.1", ca, ALPNProtocols: ["http/1.1"] });
    socket.on("error", () => {});
    socket.resume();
    await eventually(() => socket.closed, "the end of the connection");
    expect(server.accepted).toEqual([]);
    const good = await dial(server.address, { ca });
    await eventually(() => server.accepted.length === 1, "the stream");
    good.cancel(cancel);
  });
});
