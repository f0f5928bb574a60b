import { create, toBinary } from "@bufbuild/protobuf";
import { Code, createClient, createServer } from "quorate";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { EchoRequestSchema } from "../gen/test/v1/test_pb.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";
import { envelopeBytes, openRawClient } from "../transport/raw-peers.js";

checkLeaks();

describe.each(["memory", "loopback"] as const)("a client that closes, on %s", (transport) => {
  it("[J-04] waits until all is read, not until it has run", async () => {
    const ran: string[] = [];
    let unblock = () => {};
    const unblocked = new Promise<void>((resolve) => {
      unblock = resolve;
    });
    await using cluster = await createLocalCluster(1, {
      transport,
      routes: (router) =>
        router.service(Test, {
          ...echoHandlers(),
          echoUnicast: async ({ value }, { signal }) => {
            await unblocked;
            ran.push(signal.aborted ? "aborted" : value);
          },
        }),
    });
    const [server] = cluster.servers;
    const configuration = await cluster.connect();
    const client = createClient(Test, configuration.node(1));
    const values = Array.from({ length: 100 }, (_, at) => `${at}`);
    await Promise.all(values.map((value) => client.echoUnicast({ value })));
    await configuration.close();
    expect(server?.snapshot().streams.map(({ requests }) => requests)).toEqual([100]);
    expect(ran).toEqual([]);
    unblock();
    await eventually(() => ran.length === 100, "all handlers");
    expect(ran).toEqual(values);
    await eventually(() => server?.snapshot().streams.length === 0, "the stream to be let go");
  });
});

describe("a client that closes before it knows that the server takes cancels", () => {
  it("ends the signal of its request that runs, and its request that waits does not run", async () => {
    const started: string[] = [];
    const reasons: unknown[] = [];
    await using server = await createServer({
      address: "127.0.0.1:0",
      routes: (router) =>
        router.service(Test, {
          ...echoHandlers(),
          echoPlain: ({ value }, { signal }) => {
            started.push(value);
            return new Promise((resolve) => {
              signal.addEventListener("abort", () => {
                reasons.push(signal.reason);
                resolve({});
              });
            });
          },
          echoUnicast: ({ value }) => started.push(value),
        }),
    });
    using client = openRawClient(server.address, { "quorate-features": "deadline,cancel" });
    const send = (number: number, method: string, value: string) => {
      const payload = toBinary(EchoRequestSchema, create(EchoRequestSchema, { value }));
      client.stream.write(envelopeBytes({ number, method: `test.v1.Test.${method}`, payload }));
    };
    send(1, "EchoPlain", "runs");
    send(2, "EchoPlain", "waits");
    send(3, "EchoUnicast", "one-way");
    client.stream.end();
    await eventually(() => started.length === 2, "the one-way request");
    expect(started).toEqual(["runs", "one-way"]);
    expect(reasons).toMatchObject([{ code: Code.Canceled }]);
    await eventually(() => server.snapshot().streams.length === 0, "the stream to be let go");
  });
});
