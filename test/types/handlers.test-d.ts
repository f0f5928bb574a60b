import type { MessageInitShape } from "@bufbuild/protobuf";
import type { HandlerContext, Handlers, Router } from "quorate";
import { describe, expectTypeOf, it } from "vitest";
import type { EchoRequest, EchoResponseSchema, Notification } from "../gen/test/v1/test_pb.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";

declare const router: Router;

const handlers: Handlers<typeof Test> = {
  echoRPC: () => ({}),
  echoPlain: async () => ({ value: "x" }),
  echoUnicast: () => {},
  echoMulticast: () => {},
  echoQC: ({ value }) => ({ value, server: 1 }),
  async *echoCorrectable({ value }) {
    yield { value };
  },
};
const { echoQC: _qc, ...withoutQC } = handlers;

describe("handlers", () => {
  it("are one for each method that can be served", () => {
    expectTypeOf<keyof Handlers<typeof Test>>().toEqualTypeOf<
      "echoRPC" | "echoPlain" | "echoUnicast" | "echoMulticast" | "echoQC" | "echoCorrectable"
    >();
    expectTypeOf(router.service(Test, handlers)).toEqualTypeOf<Router>();
    // @ts-expect-error -- One is missing.
    router.service(Test, withoutQC);
    // @ts-expect-error -- There is no such method.
    router.service(Test, { ...handlers, echo: () => ({}) });
    router.service(Test, { ...handlers, echoCorrectable: () => [{ value: "one" }, { value: "two" }] });
    // @ts-expect-error -- It replies any number of times.
    router.service(Test, { ...handlers, echoCorrectable: () => ({}) });
    // @ts-expect-error -- These are those of another service.
    router.service(Callback, handlers);
  });

  it("[CG-11] of one-way methods answer nothing, streaming ones any number of times, all others once", () => {
    type Reply<Name extends keyof Handlers<typeof Test>> = ReturnType<Handlers<typeof Test>[Name]>;
    type Message = MessageInitShape<typeof EchoResponseSchema>;
    expectTypeOf<Reply<"echoUnicast">>().toBeUnknown();
    expectTypeOf<Reply<"echoMulticast">>().toBeUnknown();
    expectTypeOf<Reply<"echoRPC">>().toEqualTypeOf<Message | Promise<Message>>();
    expectTypeOf<Reply<"echoQC">>().toEqualTypeOf<Message | Promise<Message>>();
    expectTypeOf<AsyncGenerator<Message>>().toExtend<Reply<"echoCorrectable">>();
    expectTypeOf<Message>().not.toExtend<Reply<"echoCorrectable">>();
    expectTypeOf<Parameters<Handlers<typeof Test>["echoCorrectable"]>>().toEqualTypeOf<
      [EchoRequest, HandlerContext]
    >();
  });

  it("get the request and the context", () => {
    router.service(Callback, {
      ask: (request, context) => {
        expectTypeOf(request).toEqualTypeOf<EchoRequest>();
        expectTypeOf(context).toEqualTypeOf<HandlerContext>();
        return {};
      },
      askAll: () => ({}),
      notify: (request) => {
        expectTypeOf(request).toEqualTypeOf<Notification>();
      },
      notifyOne: () => {},
    });
    // @ts-expect-error -- The request has no such field.
    router.service(Test, { ...handlers, echoRPC: ({ text }) => ({ value: text }) });
  });

  it("of two-way methods return the reply or a promise of it", () => {
    // @ts-expect-error -- The field has another type.
    router.service(Test, { ...handlers, echoRPC: () => ({ value: 1 }) });
    // @ts-expect-error -- In a promise too.
    router.service(Test, { ...handlers, echoQC: async () => ({ server: "1" }) });
    // @ts-expect-error -- Nothing is no reply.
    router.service(Test, { ...handlers, echoRPC: () => {} });
    expectTypeOf(handlers.echoRPC).returns.not.toBeVoid();
  });

  it("of one-way methods may return anything", () => {
    router.service(Test, { ...handlers, echoUnicast: () => 5, echoMulticast: async () => "x" });
    router.service(Test, { ...handlers, echoUnicast: ({ value }) => [value].push(value) });
    // @ts-expect-error -- Their requests are checked all the same.
    router.service(Test, { ...handlers, echoUnicast: ({ text }) => text });
    expectTypeOf(handlers.echoUnicast).returns.toBeUnknown();
  });

  it("may be the methods of a class", () => {
    class Store implements Handlers<typeof Callback> {
      readonly table = new Map<string, string>();
      ask = ({ value }: EchoRequest) => ({ value: this.table.get(value) ?? "" });
      askAll = this.ask;
      notify() {}
      notifyOne() {}
    }
    expectTypeOf(router.service(Callback, new Store())).toEqualTypeOf<Router>();
  });
});

it("a context is for reading", () => {
  const see = (context: HandlerContext) => {
    expectTypeOf(context.remainingMs()).toEqualTypeOf<number>();
    expectTypeOf(context.caller).toBeNullable();
    // @ts-expect-error -- Peers are not to be closed.
    void context.peers.close;
    // @ts-expect-error -- It is readonly.
    context.caller = undefined;
  };
  void see;
});
