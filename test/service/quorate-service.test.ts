import { Code, defineService } from "quorate";
import { describe, expect, it } from "vitest";
import { callTypeOf, wireName } from "../../src/service/quorate-service.js";
import { Callback as CallbackDescriptor, Test as TestDescriptor } from "../gen/test/v1/test_pb.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";

const table = { notify: "multicast", notifyOne: "unicast", ask: "rpc", askAll: "quorumCall" } as const;
const { ask: _, ...withoutAsk } = table;

describe("defineService", () => {
  it("keeps descriptor and table, and lets nobody change them", () => {
    const service = defineService(CallbackDescriptor, table);
    expect(service).toEqual({ descriptor: CallbackDescriptor, callTypes: table });
    expect(Object.isFrozen(service)).toBe(true);
  });

  it.each([
    ["lacks a method", withoutAsk, "the table of test.v1.Callback lacks the method ask;"],
    ["is empty", {}, "lacks the method notify;"],
    ["has a method too many", { ...table, extra: "rpc" }, "has methods too many;"],
    ["has another method in place of one", { ...withoutAsk, askk: "rpc" }, "lacks the method ask;"],
  ])("refuses a table that %s", (_what, broken, message) => {
    expect(() => defineService(CallbackDescriptor, broken as unknown as typeof table)).toThrow(
      expect.objectContaining({
        code: Code.InvalidArgument,
        message: expect.stringContaining(message) as string,
      }),
    );
  });

  it("[CG-14] refuses a call type that it does not know, as of a generator that is newer", () => {
    const broken = { ...table, ask: "broadcast" };
    expect(() => defineService(CallbackDescriptor, broken as unknown as typeof table)).toThrow(
      expect.objectContaining({
        code: Code.InvalidArgument,
        message:
          'quorate: the table of test.v1.Callback has the call type "broadcast" for ask, which this version of ' +
          "quorate does not know; install the one that the generator belongs to",
      }),
    );
  });
});

it("[F-03] names methods by their full names, with dots and without a leading slash", () => {
  expect(TestDescriptor.methods.map(wireName)).toEqual([
    "test.v1.Test.EchoRPC",
    "test.v1.Test.EchoPlain",
    "test.v1.Test.EchoUnicast",
    "test.v1.Test.EchoMulticast",
    "test.v1.Test.EchoQC",
    "test.v1.Test.EchoCorrectable",
  ]);
});

it("knows the call type of each method", () => {
  expect(Callback.descriptor.methods.map((method) => callTypeOf(Callback, method))).toEqual([
    "multicast",
    "unicast",
    "rpc",
    "quorumCall",
  ]);
  expect(callTypeOf(Callback, Test.descriptor.method.echoRPC)).toBeUndefined();
});
