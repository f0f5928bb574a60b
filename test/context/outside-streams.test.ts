import { createClient, type PeerClaim, type Router } from "quorate";
import { contextSession } from "quorate/context";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { readFeatures } from "../../internal/stream/features.js";
import { PeerStream } from "../../internal/stream/peer-stream.js";
import type { IncomingRequest } from "../../internal/stream/request-handler.js";
import { SendQueue } from "../../internal/stream/send-queue.js";
import { encodeCancel } from "../../internal/wire/encode-envelope.js";
import { rejectionOf } from "../calls/held-cluster.js";
import { connected, serverAt, transports } from "../conformance/stages.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { FakeStream, ourHeaders } from "../helpers/fake-stream.js";
import { checkLeaks } from "../helpers/leaks.js";
import { defaultLimits, openPeerStream } from "../helpers/open-peer-stream.js";
import { callbackHandlers, echoHandlers } from "../helpers/test-service.js";
import { Places } from "./places.js";

checkLeaks();

const backoff = { minMs: 1, maxMs: 5 };

/** The callbacks of a side, each of which notes that it was called. */
function callbacks(places: Places, side: string) {
  const note = (what: string) => places.note(`${side}: ${what}`);
  return {
    backoff,
    onEvent: ({ kind }: { readonly kind: string }) => note(kind),
    prove: () => {
      note("prove");
      return {};
    },
  };
}

function serverCallbacks(places: Places) {
  const note = (what: string) => places.note(`server: ${what}`);
  return {
    ...callbacks(places, "server"),
    onConnect: () => note("onConnect"),
    onPeersChange: () => note("onPeersChange"),
    onClientsChange: () => note("onClientsChange"),
    identify: ({ claim }: { readonly claim: PeerClaim }) => {
      note("identify");
      return claim.kind === "node" ? { nodeId: claim.id } : {};
    },
  };
}

/** What ran where it should not. */
function inside(places: Places): string[] {
  return Object.entries(places.seen).flatMap(([what, where]) => (where === "outside" ? [] : [what]));
}

describe.each(transports)("on %s, whatever happens in a session,", (transport) => {
  it("servers and clients dial, dial again and tell of it outside", async () => {
    const places = new Places();
    await contextSession.begin(async () => {
      await using cluster = await createLocalCluster(2, {
        ...serverCallbacks(places),
        transport,
        routes: (router) => router.service(Test, echoHandlers()),
      });
      const routes = (router: Router) => router.service(Callback, callbackHandlers());
      const client = await connected(cluster.connect({ ...callbacks(places, "client"), routes }));
      await serverAt(cluster, 2).waitForClients(1);
      await serverAt(cluster, 2).close({ graceMs: 0 });
      await eventually(() => !client.node(2).connected && places.has("client: connectFailed"));
      await cluster.restart(2);
      await eventually(() => client.node(2).connected);
      // One that is added to what is connected already.
      const alone = await cluster.connect(callbacks(places, "another"));
      await alone.extend({ 7: "127.0.0.1:9" });
      await eventually(() => places.has("another: connectFailed"));
    });
    expect(inside(places)).toEqual([]);
    for (const what of [
      "server: prove",
      "server: identify",
      "server: onConnect",
      "server: onPeersChange",
      "server: onClientsChange",
      "server: streamOpened",
      "server: streamEnded",
      "client: prove",
      "client: streamOpened",
      "client: streamEnded",
      "another: prove",
    ]) {
      expect(places.seen).toMatchObject({ [what]: "outside" });
    }
  });

  it("what is found while a call is made is told outside", async () => {
    const places = new Places();
    await using cluster = await createLocalCluster(1, {
      transport,
      routes: (router) => router.service(Test, echoHandlers()),
    });
    const client = await connected(
      cluster.connect({ maxMessageBytes: 1_000, ...callbacks(places, "client") }),
    );
    const test = createClient(Test, client.node(1));
    await contextSession.begin(() => rejectionOf(test.echoRPC({ value: "x".repeat(2_000) })));
    expect(places.seen).toMatchObject({ "client: limitReached": "outside" });
  });
});

it("a break of the network in a session is told outside, and what was lost is dialled outside", async () => {
  const places = new Places();
  await using cluster = await createLocalCluster(1, {
    ...serverCallbacks(places),
    routes: (router) => router.service(Test, echoHandlers()),
  });
  const client = await connected(cluster.connect(callbacks(places, "client")));
  const ended = ["client: streamEnded", "server: streamEnded"];
  await contextSession.begin(async () => {
    cluster.network.breakStreams(cluster.nodes[1] ?? "");
    await eventually(() => places.has(...ended));
    await eventually(() => client.node(1).connected);
  });
  expect(inside(places)).toEqual([]);
});

/** A stream by hand, of which all that is told is noted. */
function notedStream(places: Places) {
  const stream = new FakeStream();
  const note = (what: string) => () => places.note(what);
  const peer = new PeerStream({
    stream,
    side: "accepting",
    callable: true,
    features: readFeatures(ourHeaders),
    queue: new SendQueue(defaultLimits),
    limits: defaultLimits,
    handler: async (request) => {
      places.note("handler");
      request.signal.addEventListener("abort", note("signal"));
      request.release();
      await new Promise(() => {});
    },
    observer: {
      lateReply: note("lateReply"),
      malformed: note("malformed"),
      limitReached: note("limitReached"),
      halfClosed: note("halfClosed"),
      idle: note("idle"),
      ended: note("ended"),
    },
  });
  return { stream, peer };
}

it.each<{ readonly what: string; readonly come: (stream: FakeStream) => void; readonly told: string }>([
  { what: "a request", come: (stream) => stream.deliver({ number: 1 }), told: "handler" },
  { what: "a cancel", come: (stream) => stream.deliver(encodeCancel(7, false)), told: "signal" },
  {
    what: "a reply that nobody waits for",
    come: (stream) => stream.deliver({ number: 1, serverInitiated: true }),
    told: "lateReply",
  },
  {
    what: "a message that cannot be read",
    come: (stream) => stream.deliver(Uint8Array.of(1)),
    told: "malformed",
  },
  { what: "a half-close", come: (stream) => stream.halfClose(), told: "halfClosed" },
  { what: "the end of the stream", come: (stream) => stream.finish(), told: "ended" },
  { what: "the end of the stream, for handlers", come: (stream) => stream.finish(), told: "signal" },
])("$what that comes in a session is dealt with outside", ({ come, told }) => {
  const places = new Places();
  const { stream } = notedStream(places);
  stream.deliver({ number: 7 });
  contextSession.begin(() => come(stream));
  expect(places.seen).toMatchObject({ [told]: "outside" });
  expect(inside(places)).toEqual([]);
});

it("a request that may start because the one before it releases in a session is run outside", () => {
  const places = new Places();
  const requests: IncomingRequest[] = [];
  const { stream } = openPeerStream({
    handler: async (request) => {
      places.note("handler");
      requests.push(request);
      await new Promise(() => {});
    },
  });
  for (const number of [1, 2]) stream.deliver({ number });
  expect(requests).toHaveLength(1);
  contextSession.begin(() => requests[0]?.release());
  expect(requests).toHaveLength(2);
  expect(places.seen).toEqual({ handler: "outside" });
  stream.finish();
});
