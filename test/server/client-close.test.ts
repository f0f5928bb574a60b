import { createClient } from "quorate";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";

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
