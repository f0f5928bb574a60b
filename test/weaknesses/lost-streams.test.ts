import { Code, connect, createClient, type QuorateError } from "quorate";
import { describe, expect, it } from "vitest";
import { rejectionOf } from "../calls/held-cluster.js";
import { connected } from "../conformance/stages.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { turn } from "../helpers/turn.js";
import {
  collectFrames,
  frame,
  openHttp2Server,
  openRawServer,
  type RawAccepted,
} from "../transport/raw-peers.js";
import { echoed, requestValue } from "./echo-envelopes.js";

checkLeaks();

const patient = { timeoutMs: Number.POSITIVE_INFINITY };
const backoff = { minMs: 1, maxMs: 5 };

function endWith(stream: RawAccepted, code: Code, details: string): void {
  stream.emit("error", { code, details });
}

describe("a message that ends its stream", () => {
  it.each<[string, number, { readonly code: Code; readonly reason?: string }]>([
    ["Unavailable", 3, { code: Code.Unavailable, reason: "STREAM_LOST" }],
    ["Internal", 3, { code: Code.Unavailable, reason: "STREAM_LOST" }],
    ["Canceled", 3, { code: Code.Unavailable, reason: "STREAM_LOST" }],
    ["ResourceExhausted", 1, { code: Code.Unavailable, reason: "STREAM_LOST" }],
    ["PermissionDenied", 1, { code: Code.PermissionDenied }],
    ["Unauthenticated", 1, { code: Code.Unauthenticated }],
    ["InvalidArgument", 1, { code: Code.InvalidArgument }],
    ["Unimplemented", 1, { code: Code.Unimplemented }],
  ])(
    "[W-03] with %s is sent %i times in all, and its caller learns of the status",
    async (name, sends, error) => {
      const received: string[] = [];
      const code = Code[name as keyof typeof Code];
      await using server = await openRawServer((stream) => {
        stream.on("data", (bytes: Buffer) => {
          received.push(requestValue(bytes));
          endWith(stream, code, "it is poison");
        });
      });
      await using configuration = await connected(connect({ nodes: [server.address], backoff }));
      const call = createClient(Test, configuration.node(1)).echoRPC(
        { value: "poison" },
        { ...patient, resend: true },
      );
      const failed = await rejectionOf(call);
      expect(failed).toMatchObject(error);
      const status = failed.reason === "STREAM_LOST" ? (failed.cause as QuorateError) : failed;
      expect(status).toMatchObject({ code, message: "it is poison" });
      expect(received).toEqual(Array.from({ length: sends }, () => "poison"));
      expect(configuration.node(1).pendingCalls).toBe(0);
    },
  );

  it("[W-03] does not come: what cannot be sent fails before, and the stream goes on", async () => {
    const received: string[] = [];
    await using server = await openRawServer((stream) => {
      stream.on("data", (bytes: Buffer) => {
        received.push(requestValue(bytes));
        stream.write(echoed(bytes));
      });
    });
    await using configuration = await connected(
      connect({ nodes: [server.address], maxMessageBytes: 10_000, backoff }),
    );
    const client = createClient(Test, configuration.node(1));
    const before = client.echoRPC({ value: "before" });
    const halfOfAPair = "\ud83d";
    const failed = [
      client.echoRPC({ data: new Uint8Array(10_001) }),
      client.echoRPC({ delayMs: -1 }),
      client.echoRPC({}, { metadata: { key: halfOfAPair } }),
      client.echoRPC({}, { metadata: { [halfOfAPair]: "value" } }),
    ].map(rejectionOf);
    const after = client.echoRPC({ value: "after" });
    expect((await Promise.all(failed)).map(({ code }) => code)).toEqual([
      Code.ResourceExhausted,
      Code.InvalidArgument,
      Code.InvalidArgument,
      Code.InvalidArgument,
    ]);
    await expect(Promise.all([before, after])).resolves.toMatchObject([
      { value: "echo: before" },
      { value: "echo: after" },
    ]);
    expect(received).toEqual(["before", "after"]);
    expect(server.streams).toHaveLength(1);
  });

  it("[W-03] is not sent again and again to a server without the service, whose status the callers get", async () => {
    await using server = await openHttp2Server((stream) => {
      const headers = { ":status": 200, "content-type": "application/grpc" };
      stream.respond(
        { ...headers, "grpc-status": "12", "grpc-message": "no such service" },
        { endStream: true },
      );
    });
    await using configuration = await connect({ nodes: [server.address], backoff });
    const call = (waitForReady: boolean) =>
      rejectionOf(
        createClient(Test, configuration.node(1)).echoRPC({}, { ...patient, waitForReady, resend: true }),
      );
    const first = await call(true);
    for (const error of [first, ...(await Promise.all([call(false), call(false)]))]) {
      expect(error).toMatchObject({ code: Code.Unimplemented, message: "no such service" });
    }
    expect(server.streams).toHaveLength(1);
  });
});

describe("the calls of a lost stream", () => {
  it("[W-07] are sent again only if they may run twice, in their order, and ahead of newer ones", async () => {
    const received: string[][] = [];
    await using server = await openRawServer((stream) => {
      const requests: string[] = [];
      const first = received.push(requests) === 1;
      stream.on("data", (bytes: Buffer) => {
        requests.push(requestValue(bytes));
        if (!first) stream.write(echoed(bytes));
        else if (requests.length === 40) endWith(stream, Code.Unavailable, "restarting");
      });
    });
    await using configuration = await connected(connect({ nodes: [server.address], backoff }));
    const client = createClient(Test, configuration.node(1));
    const newer: Promise<unknown>[] = [];
    const sent = Array.from({ length: 40 }, (_, at) => {
      const call = client.echoRPC({ value: String(at) }, { ...patient, resend: at % 2 === 0 });
      // Whoever hears of the loss first tries again at once.
      return call.catch((error: QuorateError) => {
        newer.push(client.echoRPC({ value: `again ${at}` }, patient));
        return error.reason;
      });
    });
    const outcomes = await Promise.all(sent);
    await Promise.all(newer);
    const even = Array.from({ length: 20 }, (_, at) => String(2 * at));
    const odd = Array.from({ length: 20 }, (_, at) => 2 * at + 1);
    expect(received).toEqual([
      Array.from({ length: 40 }, (_, at) => String(at)),
      [...even, ...odd.map((at) => `again ${at}`)],
    ]);
    expect(outcomes.map((one) => (typeof one === "object" ? one.value : one))).toEqual(
      outcomes.map((_, at) => (at % 2 === 0 ? `echo: ${at}` : "STREAM_LOST")),
    );
  });

  it("[W-07] that are not said to be idempotent reach the server once at the most", async () => {
    const received: string[] = [];
    await using server = await openRawServer((stream) => {
      stream.on("data", (bytes: Buffer) => {
        received.push(requestValue(bytes));
        endWith(stream, Code.Unavailable, "restarting");
      });
    });
    await using configuration = await connected(connect({ nodes: [server.address], backoff }));
    const all = createClient(Test, configuration);
    const one = createClient(Test, configuration.node(1));
    const options = { ...patient, waitForReady: true };
    const calls = {
      rpc: () => one.echoRPC({ value: "rpc" }, options),
      quorumCall: () => all.echoQC({ value: "quorumCall" }, options).all(),
      unicast: () => one.echoUnicast({ value: "unicast" }, options),
      multicast: () => all.echoMulticast({ value: "multicast" }, options),
      last: () => one.echoRPC({ value: "last" }, options),
    };
    for (const [name, call] of Object.entries(calls)) {
      const streams = server.streams.length;
      // A one-way call succeeds when it is written.
      await call().catch(() => {});
      await eventually(() => received.includes(name), `the ${name}`);
      await eventually(() => server.streams.length > streams, "the next stream");
    }
    expect(received).toEqual(Object.keys(calls));
  });

  it.each(["the connection breaks", "the server ends the stream"])(
    "[W-09] all end when %s, whatever is called meanwhile",
    async (how) => {
      const lives = 5;
      await using server = await openHttp2Server((stream) => {
        const headers = { ":status": 200, "content-type": "application/grpc" };
        stream.respond(headers, { waitForTrailers: true });
        stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "14" }));
        const requests = collectFrames(stream);
        let answered = 0;
        stream.on("data", () => {
          if (server.streams.length > lives) {
            for (const { bytes } of requests.slice(answered)) stream.write(frame(echoed(bytes)));
            answered = requests.length;
          } else if (requests.length >= 10) {
            if (how === "the connection breaks") stream.session?.destroy();
            else stream.end();
          }
        });
      });
      await using configuration = await connected(connect({ nodes: [server.address], backoff }));
      const node = configuration.node(1);
      const client = createClient(Test, node);
      const outcomes = new Map<string, string>();
      let open = 0;
      const call = (name: string, resend: boolean) => {
        open += 1;
        const end = (outcome: string) => {
          outcomes.set(name, outcome);
          open -= 1;
        };
        client.echoRPC({ value: name }, { ...patient, resend, waitForReady: true }).then(
          ({ value }) => end(value),
          // A new call in the turn in which the loss of the old ones is told.
          ({ reason }: QuorateError) => {
            end(String(reason));
            call(`${name}'`, resend);
          },
        );
      };
      for (let at = 0; at < 20; at++) {
        call(String(at), at % 2 === 0);
        if (at % 3 === 0) await turn();
      }
      await eventually(() => open === 0, "the end of all calls", 10_000);
      expect(server.streams.length).toBe(lives + 1);
      for (const [name, outcome] of outcomes) {
        expect(outcome).toBe(outcomes.has(`${name}'`) ? "STREAM_LOST" : `echo: ${name}`);
      }
      expect(node.pendingCalls).toBe(0);
    },
  );
});

describe("a one-way call whose stream ends", () => {
  it("[W-24] fails with the status of the stream, and so do those after it", async () => {
    await using server = await openRawServer();
    await using configuration = await connected(
      connect({ nodes: [server.address], backoff: { minMs: 60_000, maxMs: 60_000 } }),
    );
    const client = createClient(Test, configuration.node(1));
    await eventually(() => server.streams.length === 1, "the stream");
    const failing = rejectionOf(client.echoUnicast({ data: new Uint8Array(1_000_000) }, patient));
    for (const stream of server.streams) endWith(stream, Code.Aborted, "out for lunch");
    const status = { code: Code.Aborted, message: "out for lunch" };
    const failed = await failing;
    expect(failed).toMatchObject({
      code: Code.Unavailable,
      reason: "STREAM_LOST",
      message: expect.stringContaining("out for lunch"),
    });
    expect(failed.cause).toMatchObject(status);
    const next = await rejectionOf(client.echoUnicast({ value: "next" }, patient));
    expect(next).toMatchObject({
      code: Code.Unavailable,
      reason: "NOT_CONNECTED",
      message: expect.stringContaining("out for lunch"),
    });
    expect(next.cause).toMatchObject(status);
    const all = await rejectionOf(createClient(Test, configuration).echoMulticast({ value: "all" }, patient));
    expect(all.message).toContain("out for lunch");
  });
});
