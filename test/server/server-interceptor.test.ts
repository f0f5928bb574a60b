import { create, isMessage } from "@bufbuild/protobuf";
import { Code, createClient, QuorateError, type QuorateEvent, type ServerInterceptor } from "quorate";
import { createLocalCluster, type LocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { rejectionOf } from "../calls/held-cluster.js";
import { EchoRequestSchema, EchoResponseSchema } from "../gen/test/v1/test_pb.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";

checkLeaks();

/** Appends to request and reply, in place. */
const marking =
  (name: string): ServerInterceptor =>
  async (call, next) => {
    if (isMessage(call.request, EchoRequestSchema)) call.request.value += `${name}in-`;
    const reply = await next(call);
    if (isMessage(reply, EchoResponseSchema)) reply.value += `${name}out${name === "i1" ? "" : "-"}`;
    return reply;
  };

interface Intercepted extends AsyncDisposable {
  readonly cluster: LocalCluster;
  /** What handlers received. */
  readonly handled: string[];
}

async function interceptedServer(...serverInterceptors: ServerInterceptor[]): Promise<Intercepted> {
  const handled: string[] = [];
  const note = (value: string) => handled.push(value);
  const cluster = await createLocalCluster(1, {
    serverInterceptors,
    routes: (router) =>
      router.service(Test, {
        ...echoHandlers(),
        echoRPC: ({ value }) => {
          note(value);
          return { value: `${value}server-` };
        },
        echoUnicast: ({ value }) => note(value),
        async *echoCorrectable({ value }) {
          note(value);
          for (let at = 1; at <= 3; at++) yield { value: `${value}${at}` };
        },
      }),
  });
  return { cluster, handled, [Symbol.asyncDispose]: () => cluster.close() };
}

describe("server interceptors", () => {
  it("[SI-01] stand around the handler, the first one outermost, and may change messages in place", async () => {
    await using server = await interceptedServer(marking("i1"), marking("i2"));
    const test = createClient(Test, (await server.cluster.connect()).node(1));
    expect((await test.echoRPC({ value: "client-" })).value).toBe("client-i1in-i2in-server-i2out-i1out");
  });

  it("may put another request and another reply in place", async () => {
    await using server = await interceptedServer(async (call, next) => {
      await next({ ...call, request: create(EchoRequestSchema, { value: "another" }) });
      return create(EchoResponseSchema, { value: "instead" });
    });
    const test = createClient(Test, (await server.cluster.connect()).node(1));
    expect((await test.echoRPC({ value: "x" })).value).toBe("instead");
    expect(server.handled).toEqual(["another"]);
  });

  it.each<[what: string, thrown: unknown, code: Code, message: string]>([
    [
      "an error with a code",
      new QuorateError(Code.PermissionDenied, "not you"),
      Code.PermissionDenied,
      "not you",
    ],
    ["[ER-08] a plain error", new Error("not today"), Code.Unknown, "not today"],
  ])("[SI-02] may refuse with %s; the handler does not run", async (_, thrown, code, message) => {
    await using server = await interceptedServer(() => {
      throw thrown;
    });
    const test = createClient(Test, (await server.cluster.connect()).node(1));
    expect(await rejectionOf(test.echoRPC({ value: "x" }))).toMatchObject({ code, message });
    expect(server.handled).toEqual([]);
  });

  it("may answer without the handler; an answer that is nothing is the empty message", async () => {
    await using server = await interceptedServer(async ({ request }) =>
      isMessage(request, EchoRequestSchema) && request.value === "known"
        ? create(EchoResponseSchema, { value: "from memory" })
        : undefined,
    );
    const test = createClient(Test, (await server.cluster.connect()).node(1));
    expect((await test.echoRPC({ value: "known" })).value).toBe("from memory");
    expect((await test.echoRPC({ value: "x" })).value).toBe("");
    expect(server.handled).toEqual([]);
  });

  it("see what they stand around: the method, its call type, and the context of the handler", async () => {
    const seen: string[] = [];
    await using server = await interceptedServer((call, next) => {
      seen.push(`${call.method} ${call.callType} ${call.context.metadata.get("who")}`);
      return next(call);
    });
    const client = await server.cluster.connect({ metadata: { who: "me" } });
    await createClient(Test, client.node(1)).echoUnicast({ value: "one" });
    await createClient(Test, client).echoCorrectable({ value: "many" }).collect();
    expect(seen).toEqual([
      "test.v1.Test.EchoUnicast unicast me",
      "test.v1.Test.EchoCorrectable correctable me",
    ]);
    expect(server.handled).toEqual(["one", "many"]);
  });

  it("may change the replies of a correctable method as they come", async () => {
    await using server = await interceptedServer(async (call, next) => {
      const replies = await next(call);
      if (replies === undefined || !(Symbol.asyncIterator in replies)) return replies;
      return (async function* () {
        for await (const reply of replies) {
          if (!isMessage(reply, EchoResponseSchema)) continue;
          if (reply.value !== "x2") yield { ...reply, value: `${reply.value}!` };
        }
      })();
    });
    const client = await server.cluster.connect();
    const values: string[] = [];
    for await (const { value } of createClient(Test, client).echoCorrectable({ value: "x" }).ignoreErrors()) {
      values.push(value.value);
    }
    expect(values).toEqual(["x1!", "x3!"]);
  });

  it("hold the place of their request in the order of the stream", async () => {
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    await using server = await interceptedServer(async (call, next) => {
      if (isMessage(call.request, EchoRequestSchema) && call.request.value === "first") await gate;
      return next(call);
    });
    const test = createClient(Test, (await server.cluster.connect()).node(1));
    const calls = ["first", "second"].map((value) => test.echoRPC({ value }));
    open();
    await Promise.all(calls);
    expect(server.handled).toEqual(["first", "second"]);
  });

  it("stand around the handlers of a client, too, and around those of a one-way call, whose failure is told", async () => {
    const events: QuorateEvent[] = [];
    await using cluster = await createLocalCluster(1);
    const [server] = cluster.servers;
    if (server === undefined) throw new Error("no server");
    await cluster.connect({
      onEvent: (event) => events.push(event),
      serverInterceptors: [
        (call, next) => {
          if (call.callType === "unicast") throw new RangeError("no one-way calls");
          return next(call);
        },
        marking("i1"),
      ],
      routes: (router) => router.service(Test, echoHandlers()),
    });
    await server.waitForClients(1);
    const [client] = server.clients;
    if (client === undefined) throw new Error("no client");
    expect((await createClient(Test, client).echoRPC({ value: "x" })).value).toBe("echo: xi1in-i1out");
    await createClient(Test, client).echoUnicast({});
    await eventually(() => events.some(({ kind }) => kind === "handlerFailed"));
  });

  it("are refused if they are no functions", async () => {
    const options = { serverInterceptors: [marking("i1"), "logging"] as never };
    const refused = expect.objectContaining({
      code: Code.InvalidArgument,
      message: "quorate: serverInterceptors must be a list of functions",
    });
    await expect(createLocalCluster(1, options)).rejects.toEqual(refused);
  });
});
