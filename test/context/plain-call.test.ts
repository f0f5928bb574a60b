import { contextSession, trackPeers } from "quorate/context";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { outgoingCall } from "../../src/calls/outgoing-call.js";
import type { ClientInterceptor } from "../../src/configuration/client-interceptor.js";
import { nodesOf } from "../../src/configuration/node-set.js";
import { connected } from "../conformance/stages.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";

checkLeaks();

describe("a call whose interceptors all stand aside", () => {
  const payload = new Uint8Array(0);
  const request = {};
  const options = {};

  async function openInit(interceptors: readonly ClientInterceptor[]) {
    const cluster = await createLocalCluster(1, {
      routes: (router) => router.service(Test, echoHandlers()),
    });
    const client = await connected(cluster.connect({ clientInterceptors: interceptors }));
    const made: string[] = [];
    const method = {
      name: "test.v1.Test.EchoRPC",
      callType: "rpc" as const,
      idempotent: false,
      readOnly: false,
      create: () => {
        made.push("message");
        return { $typeName: "test.v1.EchoRequest" };
      },
      encode: () => {
        made.push("bytes");
        return payload;
      },
      decode: () => ({ $typeName: "test.v1.EchoResponse" }),
    };
    const init = { method, nodes: nodesOf(client), interceptors: [] };
    return { init, made, [Symbol.asyncDispose]: () => cluster.close() };
  }

  it("goes the plain way: no message is made of its request", async () => {
    await using one = await openInit([trackPeers()]);
    outgoingCall(one.init, request, options);
    expect(one.made).toEqual(["bytes"]);
    one.made.length = 0;
    contextSession.begin(() => outgoingCall(one.init, request, options));
    expect(one.made).toContain("message");
  });

  it("goes the other way as soon as one of them does not", async () => {
    await using one = await openInit([trackPeers(), () => undefined]);
    outgoingCall(one.init, request, options);
    expect(one.made).toContain("message");
  });

  it("takes as many bytes as one without interceptors", async () => {
    await using idle = await openInit([trackPeers(), trackPeers()]);
    await using none = await openInit([]);
    idle.init.method.encode = () => payload;
    none.init.method.encode = () => payload;
    // Kept, so that the compiler cannot do without them.
    const kept: unknown[] = Array(500).fill(undefined);
    /** What is allocated per call; a collection in between gives less than nothing, so the middle of many counts. */
    const bytesPerCall = (init: typeof idle.init): number => {
      const before = process.memoryUsage().heapUsed;
      for (let at = 0; at < 500; at++) kept[at] = outgoingCall(init, request, options);
      return (process.memoryUsage().heapUsed - before) / 500;
    };
    const measured = { idle: [] as number[], none: [] as number[] };
    for (let round = 0; round < 101; round++) {
      measured.idle.push(bytesPerCall(idle.init));
      measured.none.push(bytesPerCall(none.init));
    }
    const middle = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
    const [withIdle, without] = [middle(measured.idle), middle(measured.none)];
    expect(without).toBeGreaterThan(0);
    expect(Math.abs(withIdle - without)).toBeLessThan(16);
    // A session that is open makes the same call one with interceptors, and that is seen.
    const inSession = contextSession.begin(() => Array.from({ length: 101 }, () => bytesPerCall(idle.init)));
    expect(middle(inSession)).toBeGreaterThan(without + 100);
  });
});
