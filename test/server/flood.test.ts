import { createClient, type QuorateError } from "quorate";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { connected, serverAt, transports } from "../conformance/stages.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { callbackHandlers, echoHandlers } from "../helpers/test-service.js";

checkLeaks();

/** Messages that may still come after reading was turned off. */
const underWay = 32;
const padding = "x".repeat(100);
/** What each request of this test has at the most. */
const requestBytes = 180;

function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

const bounds = [
  { by: "requests", limits: { maxQueuedRequests: 64 }, atMost: { requests: 64, bytes: 64 * requestBytes } },
  { by: "bytes", limits: { maxQueuedBytes: 16_384 }, atMost: { requests: 1_024, bytes: 16_384 } },
];

describe.each(transports)("a flood of one-way calls, on %s", (transport) => {
  it.each(
    bounds.flatMap((bound) => [
      { ...bound, handler: "slow", count: 5_000, callsBack: false, stretch: 1 },
      // While calls of its own are pending, reading goes on to four times the bounds.
      { ...bound, handler: "slow and calls its caller", count: 20_000, callsBack: true, stretch: 4 },
    ]),
  )(
    "bounded by $by: a handler that is $handler loses nothing",
    async ({ limits, atMost, count, callsBack, stretch }) => {
      const [atServer, atClient] = [gate(), gate()];
      const received: number[] = [];
      const outcomes: string[] = [];
      await using cluster = await createLocalCluster(1, {
        transport,
        ...limits,
        routes: (router) =>
          router.service(Test, {
            ...echoHandlers(),
            echoUnicast: async ({ value }, { caller }) => {
              received.push(Number(value.slice(padding.length)));
              if (caller !== undefined && callsBack && received.length % 20 === 1) {
                const call = createClient(Callback, caller).ask({ value });
                outcomes.push(
                  await call.then(
                    () => "answered",
                    ({ reason }: QuorateError) => String(reason),
                  ),
                );
              }
              await atServer.opened;
            },
          }),
      });
      const server = serverAt(cluster, 1);
      const client = await connected(
        cluster.connect({
          routes: (router) =>
            router.service(Callback, {
              ...callbackHandlers(),
              ask: async () => {
                await atClient.opened;
                return {};
              },
            }),
        }),
      );
      await server.waitForClients(1);
      const most = { requests: 0, bytes: 0 };
      const sample = () => {
        const [stream] = server.snapshot().streams;
        most.requests = Math.max(most.requests, stream?.requests ?? 0);
        most.bytes = Math.max(most.bytes, stream?.requestBytes ?? 0);
        return stream?.paused ?? false;
      };
      const test = createClient(Test, client.node(1));
      const sent = Promise.all(
        Array.from({ length: count }, (_, at) =>
          test.echoUnicast({ value: `${padding}${at}` }, { timeoutMs: 60_000 }),
        ),
      );
      // Nothing is done yet, so it comes to the bound: that of a server that waits for its client, if it does.
      await eventually(sample, "the pause");
      expect(outcomes).toEqual(callsBack ? ["REQUEST_QUEUE_FULL"] : []);
      expect(server.snapshot().counters.limits.requestQueue).toBe(callsBack ? 1 : 0);
      const full = { requests: stretch * atMost.requests, bytes: stretch * atMost.bytes };
      expect(most.requests >= full.requests || most.bytes >= full.bytes).toBe(true);
      atClient.open();
      atServer.open();
      await eventually(
        () => {
          sample();
          return received.length === count;
        },
        `${count} messages`,
        18_000,
      );
      await sent;
      expect(received).toEqual(Array.from({ length: count }, (_, at) => at));
      expect(most.requests).toBeLessThanOrEqual(full.requests + underWay);
      expect(most.bytes).toBeLessThanOrEqual(full.bytes + underWay * requestBytes);
      await eventually(() => outcomes.length === (callsBack ? count / 20 : 0));
      expect(outcomes.filter((one) => one !== "answered" && one !== "REQUEST_QUEUE_FULL")).toEqual([]);
      await eventually(() => server.snapshot().streams.every(({ requests }) => requests === 0));
      expect(client.node(1).pendingCalls).toBe(0);
      expect(server.clients.nodes.map((node) => node.pendingCalls)).toEqual([0]);
    },
  );
});
