import { Code, connect, createClient, QuorateError, QuorumCallError } from "quorate";
import { createMemoryTransport } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { encodeBody, encodeEnvelope } from "../../internal/wire/encode-envelope.js";
import { connected, transports } from "../conformance/stages.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { RawServer } from "../helpers/raw-server.js";
import { holdingCluster, rejectionOf } from "./held-cluster.js";
import { slowDial } from "./slow-dial.js";

checkLeaks();

describe("a call that was aborted", () => {
  it("[CX-04] holds nothing up when replies come for it, however many, and nobody read the ones before", async () => {
    const transport = createMemoryTransport();
    const server = await RawServer.listen(transport);
    let late = 0;
    await using client = await connected(
      connect({
        nodes: [server.address],
        transport,
        onEvent: ({ kind }) => {
          if (kind === "lateReply") late += 1;
        },
      }),
    );
    const test = createClient(Test, client);
    const controller = new AbortController();
    const unread = Array.from({ length: 100 }, () => test.echoQC({}, { signal: controller.signal }));
    await eventually(() => server.received.length === 100);
    const numbers = server.requests.map(({ number }) => number);
    const reply = (number: number, method: string, text: string) => {
      const payload = Uint8Array.of(10, text.length, ...Buffer.from(text));
      return server.write(encodeEnvelope(number, false, encodeBody({ method, payload })));
    };
    for (const number of numbers.slice(0, 50)) await reply(number, "test.v1.Test.EchoQC", "early");
    controller.abort();
    const next = createClient(Test, client.node(1)).echoRPC({});
    await eventually(() => server.received.length === 101);
    for (const number of numbers) await reply(number, "test.v1.Test.EchoQC", "late");
    await reply(server.requests.at(-1)?.number ?? 0, "test.v1.Test.EchoRPC", "next");
    expect((await next).value).toBe("next");
    expect(late).toBe(100);
    expect(client.node(1).pendingCalls).toBe(0);
    // What had come before stays with its call.
    expect((await unread[0]?.first())?.value).toBe("early");
    await expect(unread[99]?.first()).rejects.toMatchObject({ code: Code.Canceled });
  });

  it.each(transports)(
    "[CX-06] after it was sent leaves the stream, and the calls on it, alone, on %s",
    async (transport) => {
      await using servers = await holdingCluster(1, { transport });
      const test = createClient(Test, servers.client.node(1));
      const controller = new AbortController();
      const aborted = test.echoRPC({ value: "aborted" }, { signal: controller.signal });
      const { context } = await servers.next(1);
      const older = test.echoRPC({ value: "older" });
      const held = await servers.next(1);
      controller.abort();
      expect(await rejectionOf(aborted)).toMatchObject({ code: Code.Canceled });
      await eventually(() => context.signal.aborted);
      const newer = test.echoRPC({ value: "newer" });
      held.reply("older");
      (await servers.next(1)).reply("newer");
      expect((await older).value).toBe("older");
      expect((await newer).value).toBe("newer");
      expect(held.context.connection.closed.aborted).toBe(false);
      expect(servers.events.map(({ kind }) => kind)).toEqual(["streamOpened"]);
    },
  );

  it.each([
    ["an rpc", (test: Clients, options: Options) => test.node.echoRPC({}, options)],
    ["a unicast", (test: Clients, options: Options) => test.node.echoUnicast({}, options)],
    ["a multicast", (test: Clients, options: Options) => test.all.echoMulticast({}, options)],
  ])("[CX-07] rejects with what ended it, and wraps it in nothing: %s", async (_, call) => {
    await using servers = await holdingCluster(2);
    const clients = {
      node: createClient(Test, servers.client.node(1)),
      all: createClient(Test, servers.client),
    };
    const reason = new QuorateError(Code.Aborted, "of the caller");
    expect(await rejectionOf(call(clients, { signal: AbortSignal.abort(reason) }))).toBe(reason);
    const plain = new Error("enough");
    const canceled = await rejectionOf(call(clients, { signal: AbortSignal.abort(plain) }));
    expect(canceled).toMatchObject({ code: Code.Canceled });
    expect(canceled.cause).toBe(plain);
    const expired = await rejectionOf(call(clients, { timeoutMs: 0 }));
    expect(expired).toMatchObject({ code: Code.DeadlineExceeded });
    for (const error of [canceled, expired]) expect(error).not.toBeInstanceOf(QuorumCallError);
  });

  it("[CX-07] rejects so too while an rpc waits for its reply", async () => {
    await using servers = await holdingCluster(1);
    const test = createClient(Test, servers.client.node(1));
    const controller = new AbortController();
    const reason = new QuorateError(Code.Aborted, "of the caller");
    const aborted = rejectionOf(test.echoRPC({}, { signal: controller.signal }));
    await servers.next(1);
    controller.abort(reason);
    expect(await aborted).toBe(reason);
    const expired = await rejectionOf(test.echoRPC({}, { timeoutMs: 20 }));
    expect(expired.code).toBe(Code.DeadlineExceeded);
    expect(expired.cause).toBeUndefined();
  });
});

describe("a one-way call that is not sent yet", () => {
  it("[UC-04] rejects with the deadline, or with the reason of its signal", async () => {
    await using servers = await holdingCluster(1);
    const network = slowDial(servers.cluster, 1);
    await using client = await connect({ nodes: servers.cluster.nodes, transport: network.transport });
    const test = createClient(Test, client.node(1));
    const expired = await rejectionOf(test.echoUnicast({}, { timeoutMs: 10 }));
    expect(expired).toMatchObject({ code: Code.DeadlineExceeded });
    const controller = new AbortController();
    const aborted = rejectionOf(test.echoUnicast({ value: "aborted" }, { signal: controller.signal }));
    const reason = new QuorateError(Code.Aborted, "of the caller");
    controller.abort(reason);
    expect(await aborted).toBe(reason);
    // Neither is sent when the server is there.
    network.open();
    await test.echoUnicast({ value: "later" });
    expect((await servers.next(1)).request.value).toBe("later");
  });

  it("[MC-09] rejects so too if some nodes have it and others are waited for", async () => {
    await using servers = await holdingCluster(2);
    const network = slowDial(servers.cluster, 2);
    await using client = await connect({ nodes: servers.cluster.nodes, transport: network.transport });
    const test = createClient(Test, client);
    const expired = rejectionOf(test.echoMulticast({ value: "expired" }, { timeoutMs: 10 }));
    expect((await servers.next(1)).request.value).toBe("expired");
    expect(await expired).toMatchObject({ code: Code.DeadlineExceeded });
    expect(await expired).not.toBeInstanceOf(QuorumCallError);
    const controller = new AbortController();
    const reason = new QuorateError(Code.Aborted, "of the caller");
    const aborted = rejectionOf(test.echoMulticast({}, { signal: controller.signal }));
    await servers.next(1);
    controller.abort(reason);
    expect(await aborted).toBe(reason);
    network.open();
  });
});

type Options = { readonly signal?: AbortSignal; readonly timeoutMs?: number };

interface Clients {
  readonly node: {
    echoRPC(request: object, options: Options): Promise<unknown>;
    echoUnicast(request: object, options: Options): Promise<unknown>;
  };
  readonly all: { echoMulticast(request: object, options: Options): Promise<unknown> };
}
