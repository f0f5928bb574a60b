import { Code, type ConnectOptions, connect, createClient, type OwnedConfiguration } from "quorate";
import { describe, expect, it } from "vitest";
import { Absent } from "../gen/absent/v1/absent_quorate.js";
import { Interop } from "../gen/interop/v1/interop_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { goServer, useGoPeers } from "./go-peers.js";
import type { PeerProcess } from "./peer-process.js";

checkLeaks();
const startGo = useGoPeers();

const connectTo = (
  servers: readonly PeerProcess[],
  options: Omit<ConnectOptions, "nodes"> = {},
): Promise<OwnedConfiguration> => connect({ nodes: servers.map(({ address }) => address), ...options });

describe("a TypeScript client of Go servers", () => {
  it("[RPC-01] asks one by RPC", async () => {
    await using go = await startGo(goServer);
    await using configuration = await connectTo([go]);
    const reply = await createClient(Interop, configuration.node(1)).echo({ text: "hello" });
    expect(reply.text).toBe("go: hello");
  });

  it("has one answer 1,000 RPCs, and process 1,000 unicasts, in the order of the calls (FIFO)", async () => {
    await using go = await startGo(goServer);
    await using configuration = await connectTo([go]);
    const client = createClient(Interop, configuration.node(1));
    const wanted = Array.from({ length: 1_000 }, (_, number) => number);
    const answered: number[] = [];
    const told = wanted.map((number) => client.put({ number }));
    const asked = wanted.map(async (number) => {
      const { text } = await client.echo({ text: `${number}` });
      answered.push(Number(text.slice("go: ".length)));
    });
    await Promise.all([...told, ...asked]);
    expect(answered).toEqual(wanted);
    expect((await client.taken({})).numbers).toEqual(wanted);
  });

  it("tells all by multicast, and asks all by quorum call", async () => {
    await using one = await startGo(goServer);
    await using two = await startGo(goServer);
    await using three = await startGo(goServer);
    await using configuration = await connectTo([one, two, three]);
    const client = createClient(Interop, configuration);
    await client.putAll({ number: 7 });
    const replies = await client.read({ text: "all" }).all((all) => all.map(({ text }) => text));
    expect(replies).toEqual(["go: all", "go: all", "go: all"]);
    for (const node of configuration) {
      expect((await createClient(Interop, node).taken({})).numbers).toEqual([7]);
    }
  });

  it("has a majority where one of three is gone, and is told why all cannot be", async () => {
    await using one = await startGo(goServer);
    await using two = await startGo(goServer);
    await using three = await startGo(goServer);
    await using configuration = await connectTo([one, two, three]);
    const client = createClient(Interop, configuration);
    await client.read({}).all();
    await three.kill();
    await eventually(() => !configuration.node(3).connected);
    expect((await client.read({ text: "most" }).majority()).text).toBe("go: most");
    const failure = await client
      .read({})
      .all()
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: Code.Unavailable, reason: "INCOMPLETE" });
    expect(failure).toHaveProperty("nodeErrors.size", 1);
  });

  it("follows the streams of replies of a correctable call to the level that it wants", async () => {
    await using one = await startGo(goServer);
    await using two = await startGo(goServer);
    await using configuration = await connectTo([one, two]);
    const client = createClient(Interop, configuration);
    const correctable = client.updates({ text: "more", replies: 3 }).correctable(6);
    await correctable.result();
    expect(correctable).toMatchObject({ level: 6, done: true, error: undefined });
    expect(correctable.value?.text).toBe("go: more 3");
    // Go says no end (F-16): who wants more than there are waits until the deadline, with what there is.
    const endless = client.updates({ text: "all", replies: 2 }, { timeoutMs: 300 }).correctable(5);
    await expect(endless.result()).rejects.toMatchObject({ code: Code.DeadlineExceeded });
    expect(endless.level).toBe(4);
  });

  it("sends metadata of its stream and of its call, in this order (F-17, F-19)", async () => {
    await using go = await startGo(goServer);
    await using configuration = await connectTo([go], { metadata: { "x-who": "stream", "x-one": "1" } });
    const { metadata } = await createClient(Interop, configuration.node(1)).echo(
      {},
      { metadata: { "X-Who": ["call", "again"], "x-text": "gr\u{fc}n" } },
    );
    expect(metadata.map(({ key, value }) => `${key}: ${value}`)).toEqual([
      "x-one: 1",
      "x-text: gr\u{fc}n",
      "x-who: stream",
      "x-who: call",
      "x-who: again",
    ]);
  });

  it.each([
    {
      what: "[RPC-06] a status error",
      request: { code: Code.NotFound, text: "no such key" },
      error: { code: Code.NotFound, message: "no such key" },
    },
    {
      what: "a plain error, which is Unknown",
      request: { text: "it broke" },
      error: { code: Code.Unknown, message: "it broke" },
    },
    {
      what: "a wrapped status error, with the code that is wrapped and the text of the wrapping",
      request: { code: Code.Aborted, text: "inner", wrappedBy: "outer" },
      error: {
        code: Code.Aborted,
        message: "outer: rpc error: code = Aborted desc = inner",
      },
    },
  ])("gets of a Go handler's error (F-12) $what", async ({ request, error }) => {
    await using go = await startGo(goServer);
    await using configuration = await connectTo([go]);
    const client = createClient(Interop, configuration.node(1));
    await expect(client.fail(request)).rejects.toMatchObject(error);
    expect((await client.echo({ text: "and then" })).text).toBe("go: and then");
  });

  it("[RPC-09] gets Unimplemented for a method that the server does not have, and goes on (F-13)", async () => {
    await using go = await startGo(goServer);
    await using configuration = await connectTo([go]);
    await expect(createClient(Absent, configuration.node(1)).ask({})).rejects.toMatchObject({
      code: Code.Unimplemented,
      message: "no handler registered for method absent.v1.Absent.Ask",
    });
    expect((await createClient(Interop, configuration.node(1)).echo({ text: "on" })).text).toBe("go: on");
  });
});
