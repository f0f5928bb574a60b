import { Code, connect, createClient, createServer, type QuorateEvent } from "quorate";
import { describe, expect, it } from "vitest";
import { Interop } from "../gen/interop/v1/interop_quorate.js";
import { checkLeaks } from "../helpers/leaks.js";
import { goServer, useGoPeers } from "./go-peers.js";
import { interopRoutes } from "./interop-handlers.js";

checkLeaks();
const startGo = useGoPeers();

const tooMany = (4 << 20) + 1;

/** What happened to streams after they were opened. */
const ends = (events: readonly QuorateEvent[]): string[] =>
  events.map(({ kind }) => kind).filter((kind) => kind.startsWith("stream") && kind !== "streamOpened");

describe("a message of more than 4 MiB fails its call alone (J-06)", () => {
  it("sent to a Go server, and replied by it (F-32)", async () => {
    const events: QuorateEvent[] = [];
    await using go = await startGo(goServer);
    await using configuration = await connect({
      nodes: [go.address],
      onEvent: (event) => events.push(event),
    });
    const client = createClient(Interop, configuration.node(1));
    const before = client.echo({ text: "before" });
    const request = client.echo({ data: new Uint8Array(tooMany) });
    const reply = client.echo({ replyBytes: tooMany });
    const after = client.echo({ text: "after" });
    await expect(request).rejects.toMatchObject({ code: Code.ResourceExhausted });
    await expect(reply).rejects.toMatchObject({ code: Code.ResourceExhausted });
    expect([(await before).text, (await after).text]).toEqual(["go: before", "go: after"]);
    expect((await client.echo({ replyBytes: tooMany - 1_000 })).data).toHaveLength(tooMany - 1_000);
    expect(ends(events)).toEqual([]);
  });

  it("sent by a Go client, and replied to it (F-32)", async () => {
    const events: QuorateEvent[] = [];
    await using server = await createServer({
      address: "127.0.0.1:0",
      routes: interopRoutes(),
      onEvent: (event) => events.push(event),
    });
    await using go = await startGo({ role: "client", nodes: { 1: server.address } });
    const { echo } = Interop.descriptor.method;
    const calls = [
      go.call(echo, { text: "before" }),
      go.call(echo, { data: new Uint8Array(tooMany) }),
      go.call(echo, { replyBytes: tooMany }),
      go.call(echo, { text: "after" }),
    ];
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes).toMatchObject([
      { value: { text: "ts: before" } },
      { reason: { code: Code.ResourceExhausted } },
      { reason: { code: Code.ResourceExhausted } },
      { value: { text: "ts: after" } },
    ]);
    expect((await go.call(echo, { replyBytes: tooMany - 1_000 })).data).toHaveLength(tooMany - 1_000);
    expect(ends(events)).toEqual([]);
  });
});
