import { Code, connect, Metadata, type MetadataInit } from "quorate";
import { describe, expect, it } from "vitest";
import { checkStreamHeaders } from "../../internal/transport/stream-headers.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { openHttp2Server } from "./raw-peers.js";

checkLeaks();

const sendable: readonly MetadataInit[] = [
  {},
  { "x-region": "eu" },
  { "a.b_c-9": "0" },
  { X: "keys are folded to lower case" },
  { empty: "" },
  { printable: "! #~ 'inner blanks'" },
  { twice: ["a", "b"] },
  { authorization: "once" },
  { grpc: "x", "binary-bin-not": "x" },
];

describe("checkStreamHeaders", () => {
  it.each(sendable)("takes %j", (init) => {
    const metadata = Metadata.from(init);
    expect(checkStreamHeaders(metadata)).toBe(metadata);
  });

  it.each<[string, MetadataInit]>([
    ["a blank", { "my key": "x" }],
    ["a colon", { ":path": "x" }],
    ["umlauts", { größe: "x" }],
    ["gRPC's prefix", { "grpc-timeout": "1S" }],
    ["the suffix of binary headers", { "trace-bin": "AAAA" }],
  ])("refuses a key with %s", (_, init) => {
    const key = [...Metadata.from(init)][0]?.[0];
    expect(() => checkStreamHeaders(Metadata.from(init))).toThrow(
      expect.objectContaining({ code: Code.InvalidArgument, message: expect.stringContaining(`"${key}"`) }),
    );
  });

  it.each([
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
    "User-Agent",
  ])("refuses %s, which HTTP/2 or gRPC sets itself", (key) => {
    expect(() => checkStreamHeaders(Metadata.from({ [key]: "x" }))).toThrow(
      expect.objectContaining({ code: Code.InvalidArgument }),
    );
  });

  it.each(["authorization", "date", "if-match"])("refuses %s if it is given twice", (key) => {
    expect(() => checkStreamHeaders(Metadata.from({ [key]: ["a", "b"] }))).toThrow(/allows once/);
  });

  it.each(["line\nfeed", "nul\0", "tab\t", "é", "del\x7f", " before", "behind ", " "])(
    "refuses the value %j",
    (value) => {
      expect(() => checkStreamHeaders(Metadata.from({ key: value }))).toThrow(/"key".*base64/);
    },
  );
});

describe("connect", () => {
  it("refuses metadata that no stream could carry before it dials", async () => {
    await expect(connect({ nodes: ["127.0.0.1:1"], metadata: { connection: "close" } })).rejects.toThrow(
      expect.objectContaining({ code: Code.InvalidArgument }),
    );
  });

  it("[F-17] sends every key and value as it is", async () => {
    const metadata = sendable.reduce<Metadata>((all, init) => all.join(init), Metadata.empty);
    await using server = await openHttp2Server((stream) => stream.respond({ ":status": 200 }));
    await using configuration = await connect({ nodes: [server.address], metadata });
    await eventually(() => server.headers.length > 0, "the stream");
    expect(configuration.size).toBe(1);
    for (const [key] of metadata) {
      expect(server.headers[0]?.[key]).toBe(metadata.getAll(key).join(", "));
    }
  });
});
