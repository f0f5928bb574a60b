import {
  type CallHooks,
  type ClientCall,
  type ClientInterceptor,
  type Configuration,
  type Correctable,
  createClient,
  drop,
  type HandlerReply,
  mapRequest,
  mapResponse,
  type NodeResponse,
  type ResponseSequence,
  type ServerInterceptor,
  type StreamedResponses,
  skip,
} from "quorate";
import { describe, expectTypeOf, it } from "vitest";
import type { EchoRequest, EchoResponse } from "../gen/test/v1/test_pb.js";
import { Test } from "../gen/test/v1/test_quorate.js";

declare const configuration: Configuration;
const client = createClient(Test, configuration);

describe("client interceptors", () => {
  it("of a call know its request and its reply", () => {
    void client.echoQC(
      {},
      {
        interceptors: [
          mapRequest((request, node) => {
            expectTypeOf(request).toEqualTypeOf<EchoRequest>();
            return node.id === 2 ? skip : { ...request, value: `${request.value} for ${node.id}` };
          }),
          mapResponse((reply, node) => {
            expectTypeOf(reply).toEqualTypeOf<EchoResponse>();
            return { ...reply, server: node.id };
          }),
          (call) => {
            expectTypeOf(call).toEqualTypeOf<ClientCall<EchoRequest>>();
            return {
              response: (response) => {
                expectTypeOf(response).toEqualTypeOf<NodeResponse<EchoResponse>>();
                return response.ok ? response : drop;
              },
            };
          },
          () => undefined,
        ],
      },
    );
    // @ts-expect-error -- The request has no such field.
    void client.echoQC({}, { interceptors: [mapRequest((request) => ({ ...request, value: 5 }))] });
    // @ts-expect-error -- A reply is no request.
    void client.echoQC({}, { interceptors: [() => ({ response: () => skip })] });
  });

  it("of a one-way call see responses without a value", () => {
    const sent = client.echoMulticast(
      {},
      {
        interceptors: [
          () => ({
            response: (response) => {
              if (response.ok) expectTypeOf(response.value).toEqualTypeOf<undefined>();
            },
          }),
        ],
      },
    );
    expectTypeOf(sent).toEqualTypeOf<Promise<void>>();
  });

  it("that fit any call fit every place", () => {
    const logging = <Request, Reply>(call: ClientCall<Request>): CallHooks<Request, Reply> => ({
      response: ({ node, ok }) => console.log(call.method, node.id, ok),
    });
    expectTypeOf(logging).toExtend<ClientInterceptor>();
    createClient(Test, configuration, { interceptors: [logging] });
    void client.echoQC({}, { interceptors: [logging] });
    void client.echoMulticast({}, { interceptors: [logging] });
  });
});

describe("server interceptors", () => {
  it("hand on what the rest answers, or answer themselves", () => {
    const timing: ServerInterceptor = async (call, next) => {
      expectTypeOf(await next(call)).toEqualTypeOf<HandlerReply>();
      return next({ ...call });
    };
    // @ts-expect-error -- An answer is a message.
    const wrong: ServerInterceptor = () => 5;
    void [timing, wrong];
  });
});

describe("correctables and sequences", () => {
  it("have the type of the reply, or of what `combine` makes", () => {
    expectTypeOf(client.echoQC({}).correctable(2)).toEqualTypeOf<Correctable<EchoResponse>>();
    expectTypeOf(client.echoCorrectable({})).toEqualTypeOf<StreamedResponses<EchoResponse>>();
    expectTypeOf(client.echoCorrectable({}).correctable(2).value).toEqualTypeOf<EchoResponse | undefined>();
    const count = client.echoCorrectable({}).correctable(2, (replies) => replies.length);
    expectTypeOf(count.result()).toEqualTypeOf<Promise<number>>();
    // @ts-expect-error -- There is no majority of replies that come any number of times.
    void client.echoCorrectable({}).majority();
    // @ts-expect-error -- They are never sent again.
    void client.echoCorrectable({}, { resend: true });
  });

  it("know that only replies are left when errors are ignored", () => {
    const replies = client.echoQC({}).ignoreErrors();
    expectTypeOf(replies).toExtend<ResponseSequence<EchoResponse>>();
    void replies.filter(({ value }) => value.server === 2);
    expectTypeOf(client.echoQC({}).collect()).toEqualTypeOf<
      Promise<ReadonlyMap<number, NodeResponse<EchoResponse>>>
    >();
  });
});
