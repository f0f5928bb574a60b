import { isMessage } from "@bufbuild/protobuf";
import { createClient, type ServerInterceptor } from "quorate";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { EchoRequestSchema, EchoResponseSchema, NotificationSchema } from "../gen/test/v1/test_pb.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { callbackHandlers, echoHandlers } from "../helpers/test-service.js";

checkLeaks();

describe("the request that a server interceptor gets", () => {
  it("[SI-05] is the decoded message, which tells its type, and is of no other", async () => {
    const seen: [method: string, text: string][] = [];
    const look: ServerInterceptor = async (call, next) => {
      const { method, request } = call;
      // Each branch knows the fields of its type.
      if (isMessage(request, EchoRequestSchema)) seen.push([method, `echo ${request.value}`]);
      if (isMessage(request, NotificationSchema)) seen.push([method, `notification ${request.text}`]);
      if (isMessage(request, EchoResponseSchema)) seen.push([method, "a response"]);
      const reply = await next(call);
      if (isMessage(reply, EchoResponseSchema)) seen.push([method, `reply ${reply.value}`]);
      return reply;
    };
    await using cluster = await createLocalCluster(1, {
      serverInterceptors: [look],
      routes: (router) => router.service(Test, echoHandlers()).service(Callback, callbackHandlers()),
    });
    const [node] = (await cluster.connect()).nodes;
    if (node === undefined) throw new Error("the cluster has no node");
    await createClient(Test, node).echoRPC({ value: "one" });
    await createClient(Callback, node).notifyOne({ text: "two" });
    await eventually(() => seen.length === 3);
    expect(seen).toEqual([
      ["test.v1.Test.EchoRPC", "echo one"],
      ["test.v1.Test.EchoRPC", "reply echo: one"],
      ["test.v1.Callback.NotifyOne", "notification two"],
    ]);
  });
});
