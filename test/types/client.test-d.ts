import {
  type Client,
  type Configuration,
  createClient,
  type Node,
  type NodeResponse,
  type OneWayCallOptions,
  type OwnedConfiguration,
  type Responses,
  type TwoWayCallOptions,
} from "quorate";
import { describe, expectTypeOf, it } from "vitest";
import type { EchoRequest, EchoResponse } from "../gen/test/v1/test_pb.js";
import { type Callback, Test } from "../gen/test/v1/test_quorate.js";

declare const node: Node;
declare const configuration: Configuration;
declare const owned: OwnedConfiguration;

describe("a client of a node", () => {
  const client = createClient(Test, node);

  it("has the rpc and unicast methods, and no others", () => {
    expectTypeOf<keyof typeof client>().toEqualTypeOf<"echoRPC" | "echoPlain" | "echoUnicast">();
    expectTypeOf<keyof Client<typeof Callback, Node>>().toEqualTypeOf<"ask" | "notifyOne">();
    // @ts-expect-error -- A quorum call is for configurations.
    void client.echoQC;
    // @ts-expect-error -- A multicast is for configurations.
    void client.echoMulticast;
  });

  it("infers requests and replies", () => {
    expectTypeOf(client.echoRPC).returns.toEqualTypeOf<Promise<EchoResponse>>();
    expectTypeOf(client.echoUnicast).returns.toEqualTypeOf<Promise<void>>();
    expectTypeOf(client.echoRPC).parameter(0).extract<EchoRequest>().toEqualTypeOf<EchoRequest>();
    void client.echoRPC({});
    void client.echoRPC({ value: "x", delayMs: 1, data: new Uint8Array() });
  });

  it("refuses wrong requests and options", () => {
    // @ts-expect-error -- The field has another type.
    void client.echoRPC({ value: 1 });
    // @ts-expect-error -- There is no such field.
    void client.echoRPC({ text: "x" });
    // @ts-expect-error -- A request is needed.
    void client.echoRPC();
    // @ts-expect-error -- Only one-way calls can ignore errors.
    void client.echoRPC({}, { ignoreErrors: true });
    // @ts-expect-error -- A one-way call has no reply to wait for, so it is never sent again.
    void client.echoUnicast({}, { resend: true });
    // @ts-expect-error -- There is no such option.
    void client.echoRPC({}, { timeout: 5 });
    expectTypeOf(client.echoRPC).parameter(1).extract<object>().toExtend<TwoWayCallOptions>();
    expectTypeOf(client.echoUnicast).parameter(1).extract<object>().toExtend<OneWayCallOptions>();
  });
});

describe("a client of a configuration", () => {
  const client = createClient(Test, configuration);

  it("has the quorum call, correctable and multicast methods, and no others, whoever owns the configuration", () => {
    expectTypeOf<keyof typeof client>().toEqualTypeOf<"echoQC" | "echoMulticast" | "echoCorrectable">();
    expectTypeOf<Client<typeof Test, OwnedConfiguration>>().toEqualTypeOf<typeof client>();
    expectTypeOf<keyof Client<typeof Callback, Configuration>>().toEqualTypeOf<"askAll" | "notify">();
    // @ts-expect-error -- An rpc is for nodes.
    void client.echoRPC;
    // @ts-expect-error -- A unicast is for nodes.
    void client.echoUnicast;
  });

  it("infers what a quorum call yields", () => {
    const responses = client.echoQC({ value: "x" });
    expectTypeOf(responses).toEqualTypeOf<Responses<EchoResponse>>();
    expectTypeOf(responses.first()).toEqualTypeOf<Promise<EchoResponse>>();
    expectTypeOf(responses.majority()).toEqualTypeOf<Promise<EchoResponse>>();
    expectTypeOf(responses.all()).toEqualTypeOf<Promise<EchoResponse>>();
    expectTypeOf(responses.threshold(2)).toEqualTypeOf<Promise<EchoResponse>>();
    expectTypeOf(responses).toExtend<AsyncIterable<NodeResponse<EchoResponse>>>();
    expectTypeOf(responses).not.toHaveProperty("then");
  });

  it("infers the result of combine", () => {
    const responses = client.echoQC({});
    const lengths = responses.majority((replies) => {
      expectTypeOf(replies).toEqualTypeOf<readonly EchoResponse[]>();
      return replies.map(({ value }) => value.length);
    });
    expectTypeOf(lengths).toEqualTypeOf<Promise<number[]>>();
    expectTypeOf(responses.all(({ length }) => length)).toEqualTypeOf<Promise<number>>();
    expectTypeOf(responses.threshold(2, () => "x" as const)).toEqualTypeOf<Promise<"x">>();
    // @ts-expect-error -- The first reply is not combined.
    void responses.first(() => 1);
    // @ts-expect-error -- A threshold needs its number.
    void responses.threshold();
    // @ts-expect-error -- The replies have another type.
    void responses.all((replies: readonly number[]) => replies);
  });

  it("tells replies from errors", () => {
    const see = (response: NodeResponse<EchoResponse>) => {
      if (response.ok) {
        expectTypeOf(response.value).toEqualTypeOf<EchoResponse>();
        // @ts-expect-error -- A reply has no error.
        void response.error;
      } else {
        // @ts-expect-error -- An error has no value.
        void response.value;
      }
      expectTypeOf(response.node).toEqualTypeOf<Node>();
    };
    void see;
  });

  it("refuses wrong requests and options", () => {
    // @ts-expect-error -- The field has another type.
    void client.echoQC({ delayMs: "1" });
    // @ts-expect-error -- Only one-way calls can ignore errors.
    void client.echoQC({}, { ignoreErrors: true });
    expectTypeOf(client.echoQC).parameter(1).extract<object>().toExtend<TwoWayCallOptions>();
    expectTypeOf(client.echoMulticast).parameter(1).extract<object>().toExtend<OneWayCallOptions>();
  });
});

it("a configuration that was derived cannot be closed", () => {
  expectTypeOf(owned).toHaveProperty("close");
  for (const derived of [owned.without(1), owned.union(owned), owned.difference(configuration)]) {
    expectTypeOf(derived).toEqualTypeOf<Configuration>();
    expectTypeOf(derived).not.toHaveProperty("close");
    // @ts-expect-error -- Nor disposed of.
    void derived[Symbol.asyncDispose];
  }
  expectTypeOf(owned.node(1)).toEqualTypeOf<Node>();
});
