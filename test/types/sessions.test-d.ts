import { type Client, createClient } from "quorate";
import {
  createSessions,
  type GuardedHandlers,
  type Session,
  type Sessions,
  type StateMachine,
} from "quorate/sessions";
import { describe, expectTypeOf, it } from "vitest";
import type { RpcTarget } from "../../src/calls/call-target.js";
import type { Receipt } from "../gen/payments/v1/payments_pb.js";
import { Payments } from "../gen/payments/v1/payments_quorate.js";
import { Register } from "../gen/register/v1/register_quorate.js";
import { Test } from "../gen/test/v1/test_quorate.js";

declare const session: Session;
declare const target: RpcTarget;
const sessions = createSessions({} as Parameters<typeof createSessions>[0]);
const state = { snapshot: () => new Uint8Array(), restore: () => {} };

const machine: StateMachine<typeof Register> = {
  append: ({ value }) => ({ value }),
  write: () => ({}),
  compareAndSet: ({ value }) => ({ value }),
  read: ({ key }, { op, timestampMs, user, client }) => {
    expectTypeOf(op).toEqualTypeOf<number>();
    expectTypeOf(timestampMs).toEqualTypeOf<number>();
    expectTypeOf(user).toEqualTypeOf<string>();
    expectTypeOf(client).toEqualTypeOf<string | undefined>();
    return { value: key };
  },
};

describe("a session as a target", () => {
  it("has the rpc methods of a service, and no others", () => {
    expectTypeOf<keyof Client<typeof Test, Session>>().toEqualTypeOf<"echoRPC" | "echoPlain">();
    expectTypeOf<keyof Client<typeof Test, RpcTarget>>().toEqualTypeOf<"echoRPC" | "echoPlain">();
    const client = createClient(Test, session);
    // @ts-expect-error -- A quorum call is for configurations.
    void client.echoQC;
    // @ts-expect-error -- A unicast has no answer.
    void client.echoUnicast;
    expectTypeOf(createClient(Payments, target).pay).returns.toEqualTypeOf<Promise<Receipt>>();
    // @ts-expect-error -- None can be made by hand.
    createClient(Test, {});
  });
});

describe("a state machine", () => {
  it("has a synchronous handler for each method", () => {
    expectTypeOf(sessions.replicate(Register, machine, state)).toEqualTypeOf<Sessions>();
    // @ts-expect-error -- It is asynchronous.
    sessions.replicate(Register, { ...machine, write: async () => ({}) }, state);
    const { read: _read, ...withoutRead } = machine;
    // @ts-expect-error -- One is missing.
    sessions.replicate(Register, withoutRead, state);
    // @ts-expect-error -- The reply has no such field.
    sessions.replicate(Register, { ...machine, read: () => ({ values: "x" }) }, state);
    // @ts-expect-error -- The state could not be kept.
    sessions.replicate(Register, machine, {});
    sessions.replicate(Register, machine, { ...state, consistency: { read: "local" } });
    // @ts-expect-error -- There is no such method.
    sessions.replicate(Register, machine, { ...state, consistency: { reads: "local" } });
    // @ts-expect-error -- There is no such consistency.
    sessions.replicate(Register, machine, { ...state, consistency: { read: "eventual" } });
  });

  it("cannot be had of a service with methods that are not rpc", () => {
    expectTypeOf<StateMachine<typeof Test>["echoQC"]>().toBeNever();
    expectTypeOf<StateMachine<typeof Test>["echoUnicast"]>().toBeNever();
    const rpc = () => ({ value: "x" });
    // @ts-expect-error -- They are not rpc.
    const test: StateMachine<typeof Test> = { echoRPC: rpc, echoPlain: rpc, echoQC: rpc };
    expectTypeOf(test).toBeObject();
  });
});

describe("guarded handlers", () => {
  it("may be asynchronous, and have a signal of their own", () => {
    const handlers: GuardedHandlers<typeof Payments> = {
      pay: async ({ text }, { signal, op, user, client }) => {
        expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
        expectTypeOf(op).toEqualTypeOf<number | undefined>();
        expectTypeOf(user).toEqualTypeOf<string>();
        expectTypeOf(client).toEqualTypeOf<string | undefined>();
        return { text };
      },
      paid: () => ({}),
    };
    sessions.guard(Payments, handlers);
    sessions.guard(Payments, handlers, { anonymous: true });
    // @ts-expect-error -- One is missing.
    sessions.guard(Payments, { pay: handlers.pay });
    // @ts-expect-error -- The reply is another message.
    sessions.guard(Payments, { ...handlers, pay: async () => ({ amount: 1 }) });
  });

  it("cannot be had of a service with methods that are not rpc", () => {
    expectTypeOf<GuardedHandlers<typeof Test>["echoMulticast"]>().toBeNever();
    expectTypeOf<GuardedHandlers<typeof Test>["echoCorrectable"]>().toBeNever();
  });
});
