import { defineService } from "quorate";
import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { type SessionMethodsInit, sessionMethods } from "../../../src/sessions/server/session-methods.js";
import { Register as RegisterDescriptor } from "../../gen/register/v1/register_pb.js";
import { Register } from "../../gen/register/v1/register_quorate.js";
import { Test } from "../../gen/test/v1/test_quorate.js";
import { echoHandlers } from "../../helpers/test-service.js";

const reply = () => ({ value: "" });
const handlers = { read: reply, write: () => ({}), append: reply, compareAndSet: reply };
const init: SessionMethodsInit = { mode: "replicated", anonymous: false, consistency: {} };
const mixed = defineService(RegisterDescriptor, { ...Register.callTypes, write: "multicast" });

const refused: readonly [string, () => unknown, string][] = [
  [
    "a method that is not rpc",
    () => sessionMethods(mixed, handlers, init),
    "only methods of the call type rpc",
  ],
  [
    "a service with methods of other call types",
    () => sessionMethods(Test, echoHandlers(), { ...init, mode: "guarded" }),
    "only methods of the call type rpc",
  ],
  [
    "a handler that is missing",
    () => sessionMethods(Register, { ...handlers, read: undefined }, init),
    "the handler of register.v1.Register.Read is missing",
  ],
  [
    "a handler of a method that is not there",
    () => sessionMethods(Register, { ...handlers, reed: reply }, init),
    "has no method reed",
  ],
  [
    "an async handler of a replicated method",
    () => sessionMethods(Register, { ...handlers, write: async () => ({}) }, init),
    "synchronous",
  ],
  [
    "a generator",
    () =>
      sessionMethods(
        Register,
        {
          ...handlers,
          *write() {
            yield {};
          },
        },
        init,
      ),
    "synchronous",
  ],
  [
    "the consistency of a method that is not there",
    () => sessionMethods(Register, handlers, { ...init, consistency: { reed: "local" } }),
    "has no method reed",
  ],
  [
    "the consistency of a write",
    () => sessionMethods(Register, handlers, { ...init, consistency: { write: "local" } }),
    "not marked NO_SIDE_EFFECTS",
  ],
];

describe("sessionMethods", () => {
  it.each(refused)("refuses %s", (_, add, why) => {
    expect(add).toThrow(
      expect.objectContaining({ code: Code.InvalidArgument, message: expect.stringContaining(why) }),
    );
  });

  it("knows reads, their consistency, and calls handlers on the object that they are of", () => {
    class Machine {
      readonly name = "machine";
      read(): object {
        return { value: this.name };
      }
      write(): object {
        return {};
      }
      append(): object {
        return { value: "" };
      }
      compareAndSet(): object {
        return { value: "" };
      }
    }
    const methods = sessionMethods(Register, new Machine(), { ...init, consistency: { read: "local" } });
    expect(methods.map(({ name, readOnly, consistency }) => [name, readOnly, consistency])).toEqual([
      ["register.v1.Register.Read", true, "local"],
      ["register.v1.Register.Write", false, "linearizable"],
      ["register.v1.Register.Append", false, "linearizable"],
      ["register.v1.Register.CompareAndSet", false, "linearizable"],
    ]);
    const [read] = methods;
    expect(read?.handle({ $typeName: "x" }, {})).toEqual({ value: "machine" });
  });

  it("takes async handlers of guarded methods", () => {
    const guarded = { ...init, mode: "guarded" } as const;
    expect(sessionMethods(Register, { ...handlers, write: async () => ({}) }, guarded)).toHaveLength(4);
  });
});
