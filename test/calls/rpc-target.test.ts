import type { Message } from "@bufbuild/protobuf";
import { type ClientInterceptor, createClient } from "quorate";
import { describe, expect, it } from "vitest";
import { callRpcAt, type RpcTarget, type TargetedCall } from "../../src/calls/call-target.js";
import { Register } from "../gen/register/v1/register_quorate.js";
import { Test } from "../gen/test/v1/test_quorate.js";

/** A target that answers with what it was asked. */
function targetOf() {
  const calls: TargetedCall[] = [];
  const target: RpcTarget = {
    [callRpcAt]: async (call): Promise<Message> => {
      calls.push(call);
      return call.method.create(call.request);
    },
  };
  return { target, calls };
}

describe("createClient at a target of another kind", () => {
  it("has the rpc methods of the service, and no others", () => {
    expect(Object.keys(createClient(Test, targetOf().target)).sort()).toEqual(["echoPlain", "echoRPC"]);
  });

  it("hands over the request, the options, and the interceptors of the client", async () => {
    const { target, calls } = targetOf();
    const interceptor: ClientInterceptor = () => undefined;
    const client = createClient(Test, target, { interceptors: [interceptor] });
    const own = () => undefined;
    const { signal } = new AbortController();
    const options = { timeoutMs: 5, signal, interceptors: [own] };
    expect(await client.echoRPC({ value: "x" }, options)).toMatchObject({ value: "x" });
    expect(calls).toMatchObject([
      { method: { name: "test.v1.Test.EchoRPC", callType: "rpc" }, request: { value: "x" } },
    ]);
    expect(calls[0]?.options).toEqual(options);
    expect(calls[0]?.interceptors).toEqual([interceptor]);
    await client.echoPlain({});
    expect(calls[1]?.options).toEqual({});
  });

  it("says which methods change nothing", async () => {
    const { target, calls } = targetOf();
    const client = createClient(Register, target);
    await client.read({ key: "k" });
    await client.append({ key: "k", value: "v" });
    expect(calls.map(({ method }) => method.readOnly)).toEqual([true, false]);
  });
});
