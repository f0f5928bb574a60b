import { type BytesValue, BytesValueSchema, StructSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { encodeMessage } from "../../../src/service/message-codec.js";
import {
  ReplicatedServices,
  type ReplicateOptions,
} from "../../../src/sessions/server/replicated-services.js";
import { type SessionMethod, sessionMethods } from "../../../src/sessions/server/session-methods.js";
import { Payments } from "../../gen/payments/v1/payments_quorate.js";
import { Register } from "../../gen/register/v1/register_quorate.js";
import { TestRegister } from "./register-service.js";

const [anyMethod] = sessionMethods(Register, new TestRegister(), {
  mode: "replicated",
  anonymous: false,
  consistency: {},
});
if (anyMethod === undefined) throw new Error("there is no method");
const method: SessionMethod = anyMethod;

function services(options: Partial<ReplicateOptions> = {}, ...methods: readonly SessionMethod[]) {
  const all = new ReplicatedServices();
  all.add(Register, methods, { snapshot: () => Uint8Array.of(1), restore: () => {}, ...options });
  return all;
}

/** A call of a method with other messages, and what it is run with. */
function call(handle: SessionMethod["handle"], payload: Uint8Array, output = BytesValueSchema) {
  const name = "test.Service.Method";
  const one: SessionMethod = {
    ...method,
    name,
    method: { ...method.method, input: BytesValueSchema, output },
    handle,
  };
  const request = { op: 5, timestampMs: 1, user: "ann", client: undefined, method: name, payload };
  return services({}, one).run(request);
}

describe("ReplicatedServices", () => {
  it.each<[string, Partial<ReplicateOptions>]>([
    ["no snapshot", { snapshot: undefined as never }],
    ["no restore", { restore: undefined as never }],
    ["a version that is negative", { version: -1 }],
    ["a version that is no integer", { version: 0.5 }],
    ["a version above 2^32-1", { version: 2 ** 32 }],
  ])("refuses a service with %s", (_, options) => {
    expect(() => services(options)).toThrow(expect.objectContaining({ code: Code.InvalidArgument }));
  });

  it("lets no handler change the entry whose request it is given", () => {
    const payload = encodeMessage(BytesValueSchema, { value: Uint8Array.of(1, 2, 3) });
    const before = payload.slice();
    call((request) => {
      (request as BytesValue).value.fill(9);
      return {};
    }, payload);
    expect(payload).toEqual(before);
  });

  it("sorts the maps of replies: state that was restored may have another order", () => {
    const value = (text: string) => ({ kind: { case: "stringValue", value: text } }) as const;
    const one = call(
      () => ({ fields: { a: value("a"), b: value("b") } }),
      new Uint8Array(),
      StructSchema as never,
    );
    const two = call(
      () => ({ fields: { b: value("b"), a: value("a") } }),
      new Uint8Array(),
      StructSchema as never,
    );
    expect(one).toEqual(two);
    expect(one.bytes.length).toBeGreaterThan(8);
  });

  it("takes and restores the states of all services, by name and with their versions", () => {
    const restored: [Uint8Array, number][] = [];
    const all = services({ version: 3, restore: (bytes, version) => void restored.push([bytes, version]) });
    all.add(Payments, [], { snapshot: () => Uint8Array.of(2), restore: () => {} });
    const snapshot = all.snapshot();
    expect(snapshot).toEqual([
      { service: "register.v1.Register", version: 3, state: Uint8Array.of(1) },
      { service: "payments.v1.Payments", version: 0, state: Uint8Array.of(2) },
    ]);
    all.restore(snapshot.toReversed());
    expect(restored).toEqual([[Uint8Array.of(1), 3]]);
  });

  it("leaves a service as it is that came after the snapshot", () => {
    let restored = 0;
    const all = services({ restore: () => void (restored += 1) });
    all.restore([]);
    expect(restored).toBe(0);
  });

  it("does not take the state of a service that is not there: its entries could not be run either", () => {
    const state = { service: "gone.v1.Service", version: 0, state: new Uint8Array() };
    expect(() => services().restore([state])).toThrow(expect.objectContaining({ reason: "UNKNOWN_ENTRY" }));
  });

  it("refuses a snapshot that is no bytes", () => {
    expect(() => services({ snapshot: () => "text" as never }).snapshot()).toThrow(/no Uint8Array/);
  });
});
