import { createFileRegistry, type DescMethod, type FileRegistry } from "@bufbuild/protobuf";
import { beforeAll, describe, expect, it } from "vitest";
import { callTypeOf } from "../../protoc-gen-quorate/src/call-type.js";
import { GenerationError } from "../../protoc-gen-quorate/src/generation-error.js";
import { compileProtos } from "./compile-protos.js";

const proto = `edition = "2023";
package calls.v1;
import "gorums.proto";
message Ask {}
message Answer {}
service Good {
  rpc Plain(Ask) returns (Answer);
  rpc Rpc(Ask) returns (Answer) { option (gorums.rpc) = true; }
  rpc Unicast(Ask) returns (Answer) { option (gorums.unicast) = true; }
  rpc Multicast(Ask) returns (Answer) { option (gorums.multicast) = true; }
  rpc QuorumCall(Ask) returns (Answer) { option (gorums.quorumcall) = true; }
  rpc Correctable(Ask) returns (stream Answer) { option (gorums.quorumcall) = true; }
  rpc FalseMulticast(Ask) returns (Answer) { option (gorums.multicast) = false; }
}
service Bad {
  rpc Two(Ask) returns (Answer) {
    option (gorums.rpc) = true;
    option (gorums.unicast) = true;
  }
  rpc FalseToo(Ask) returns (Answer) { option (gorums.multicast) = true; option (gorums.rpc) = false; }
  rpc All(Ask) returns (Answer) {
    option (gorums.quorumcall) = true;
    option (gorums.multicast) = true;
    option (gorums.unicast) = true;
    option (gorums.rpc) = true;
  }
  rpc Upload(stream Ask) returns (Answer);
      rpc UploadQC(stream Ask) returns (Answer) { option (gorums.quorumcall) = true; }
  rpc Fine(Ask) returns (Answer);
  rpc UploadUnicast(stream Ask) returns (Answer) { option (gorums.unicast) = true; }
  rpc Watch(Ask) returns (stream Answer);
  rpc WatchRPC(Ask) returns (stream Answer) { option (gorums.rpc) = true; }
  rpc WatchUnicast(Ask) returns (stream Answer) { option (gorums.unicast) = true; }
  rpc WatchMulticast(Ask) returns (stream Answer) { option (gorums.multicast) = true; }
  rpc Chat(stream Ask) returns (stream Answer);
  rpc ChatQC(stream Ask) returns (stream Answer) { option (gorums.quorumcall) = true; }
  rpc Everything(stream Ask) returns (Answer) {
    option (gorums.unicast) = true;
    option (gorums.quorumcall) = true;
  }
}
service Streamed {
  rpc Multicast(stream Ask) returns (Answer) { option (gorums.multicast) = true; }
}
`;

describe("callTypeOf", () => {
  let registry: FileRegistry;

  beforeAll(async () => {
    registry = createFileRegistry(await compileProtos({ "calls/v1/calls.proto": proto }));
  });

  it.each([
    ["Plain", "rpc"],
    ["Rpc", "rpc"],
    ["Unicast", "unicast"],
    ["Multicast", "multicast"],
    ["QuorumCall", "quorumCall"],
    ["Correctable", "correctable"],
  ])("[CG-01] [CG-02] reads %s as %s", (name, callType) => {
    expect(callTypeOf(methodOf("Good", name))).toBe(callType);
  });

  it("[CG-02] counts the presence of an option, not its value", () => {
    expect(callTypeOf(methodOf("Good", "FalseMulticast"))).toBe("multicast");
  });

  it.each([
    ["Two", "16:3", "gorums.rpc and gorums.unicast exclude each other"],
    ["FalseToo", "20:3", "gorums.rpc and gorums.multicast exclude each other"],
    ["All", "21:3", "gorums.rpc, gorums.unicast, gorums.multicast and gorums.quorumcall exclude each other"],
  ])("refuses several options: %s", (name, position, contradiction) => {
    expect(refusalOf(name)).toBe(
      `calls/v1/calls.proto:${position}: Bad.${name}: ${contradiction}; keep one and remove the rest ` +
        "(an option set to false counts as well)",
    );
  });

  it.each([
    [
      "Upload",
      "27:3",
      "a stream of requests is not supported; drop `stream` before Ask and make one call per request",
    ],
    [
      "UploadQC",
      "28:7",
      "a stream of requests is not supported; drop `stream` before Ask and make one call per request",
    ],
    [
      "UploadUnicast",
      "30:3",
      "a one-way stream of requests is written as several unicast calls; drop `stream` before Ask",
    ],
  ])("[CG-07] refuses a stream of requests: %s", (name, position, message) => {
    expect(refusalOf(name)).toBe(`calls/v1/calls.proto:${position}: Bad.${name}: ${message}`);
  });

  it("[CG-09] takes a stream of requests of a multicast, as Gorums does: one call sends one", () => {
    expect(callTypeOf(methodOf("Streamed", "Multicast"))).toBe("multicast");
  });

  it.each([
    [
      "Watch",
      "31:3",
      "only a quorum call can have a streamed reply; " +
        "add `option (gorums.quorumcall) = true` or drop `stream` before Answer",
    ],
    [
      "WatchRPC",
      "32:3",
      "only a quorum call can have a streamed reply; " +
        "write `option (gorums.quorumcall) = true` instead of gorums.rpc or drop `stream` before Answer",
    ],
    [
      "WatchUnicast",
      "33:3",
      "a unicast call has no reply, so none can be streamed; " +
        "drop `stream` before Answer, or write `option (gorums.quorumcall) = true` instead of gorums.unicast",
    ],
    [
      "WatchMulticast",
      "34:3",
      "a multicast call has no reply, so none can be streamed; " +
        "drop `stream` before Answer, or write `option (gorums.quorumcall) = true` instead of gorums.multicast",
    ],
  ])("[CG-08] refuses a stream of replies that is no quorum call: %s", (name, position, message) => {
    expect(refusalOf(name)).toBe(`calls/v1/calls.proto:${position}: Bad.${name}: ${message}`);
  });

  it.each([
    ["Chat", "35:3"],
    ["ChatQC", "36:3"],
  ])("refuses streams in both directions: %s", (name, position) => {
    expect(refusalOf(name)).toBe(
      `calls/v1/calls.proto:${position}: Bad.${name}: streams in both directions are not supported; ` +
        `write \`rpc ${name}(Ask) returns (stream Answer)\` with \`option (gorums.quorumcall) = true\` ` +
        "for several replies to one request, and make one call per request",
    );
  });

  it("states every contradiction of a method", () => {
    expect(refusalOf("Everything").split("\n")).toEqual([
      expect.stringContaining(
        "37:3: Bad.Everything: gorums.unicast and gorums.quorumcall exclude each other",
      ),
      expect.stringContaining("37:3: Bad.Everything: a one-way stream of requests"),
    ]);
  });

  function methodOf(service: string, name: string): DescMethod {
    const method = registry.getService(`calls.v1.${service}`)?.methods.find((one) => one.name === name);
    if (method === undefined) throw new Error(`no method ${service}.${name}`);
    return method;
  }

  function refusalOf(name: string): string {
    try {
      callTypeOf(methodOf("Bad", name));
    } catch (error) {
      if (error instanceof GenerationError) return error.message;
      throw error;
    }
    throw new Error(`${name} was accepted`);
  }
});
