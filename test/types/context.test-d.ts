import type { ClientInterceptor, Configuration, Node, NodeOrder } from "quorate";
import { createClient } from "quorate";
import {
  byUsefulness,
  type ContextKey,
  type ContextSession,
  type ContextSessionOptions,
  contextKey,
  contextSession,
  type PeerStanding,
  trackPeers,
} from "quorate/context";
import { openSession, type Session } from "quorate/sessions";
import { describe, expectTypeOf, it } from "vitest";
import type { EchoResponse } from "../gen/test/v1/test_pb.js";
import { Test } from "../gen/test/v1/test_quorate.js";

declare const node: Node;
declare const configuration: Configuration;
declare const query: PromiseLike<string>;
declare const maybe: () => Promise<number> | number;

// oxlint-disable-next-line typescript/unbound-method -- They need no object.
const { begin, fork, leave } = contextSession;

describe("begin and fork", () => {
  it("return a promise for work that returns one, and else what it returns", () => {
    expectTypeOf(begin(() => 5)).toEqualTypeOf<number>();
    expectTypeOf(fork(() => 5)).toEqualTypeOf<number>();
    expectTypeOf(begin(() => {})).toEqualTypeOf<void>();
    expectTypeOf(begin((session) => session)).toEqualTypeOf<ContextSession>();
    expectTypeOf(begin(async () => 5)).toEqualTypeOf<Promise<number>>();
    expectTypeOf(fork(async () => 5)).toEqualTypeOf<Promise<number>>();
    expectTypeOf(begin(async () => {})).toEqualTypeOf<Promise<void>>();
    expectTypeOf(begin(() => createClient(Test, node).echoRPC({}))).toEqualTypeOf<Promise<EchoResponse>>();
  });

  it("return a promise for a thenable", () => {
    expectTypeOf(begin(() => query)).toEqualTypeOf<Promise<string>>();
    expectTypeOf(fork(() => query)).toEqualTypeOf<Promise<string>>();
    // @ts-expect-error -- What it returns has to be waited for.
    void (begin(() => query) satisfies string);
  });

  it("return what may be a promise for work that may be asynchronous", () => {
    expectTypeOf(begin(maybe)).toEqualTypeOf<Promise<number> | number>();
  });

  it("hand the session to the work, and take options", () => {
    expectTypeOf(begin).parameter(1).toEqualTypeOf<ContextSessionOptions | undefined>();
    begin((session) => expectTypeOf(session).toEqualTypeOf<ContextSession>());
    begin(() => {}, { signal: AbortSignal.timeout(5), maxPeers: 1, maxValues: 1, halfLifeMs: 1 });
    // @ts-expect-error -- There is no such option.
    void begin(() => {}, { halfLife: 5 });
    // @ts-expect-error -- Work is needed.
    void begin({ maxPeers: 5 });
    // @ts-expect-error -- A session does not end by hand.
    begin((session) => session.end());
    // @ts-expect-error -- Nor is it made by hand to be written to.
    begin((session) => session.tracker);
  });
});

it("leave returns what its work returns, and hands it nothing", () => {
  expectTypeOf(leave(() => 5)).toEqualTypeOf<number>();
  expectTypeOf(leave(async () => 5)).toEqualTypeOf<Promise<number>>();
  // @ts-expect-error -- There is no session there.
  leave((session: ContextSession) => session);
});

it("there may be no current session", () => {
  expectTypeOf(contextSession.current()).toEqualTypeOf<ContextSession | undefined>();
});

describe("a key", () => {
  const count = contextKey<number>("count");

  it("finds values of its type", () => {
    expectTypeOf(count).toEqualTypeOf<ContextKey<number>>();
    expectTypeOf(contextSession.get(count)).toEqualTypeOf<number | undefined>();
    begin((session) => expectTypeOf(session.get(count)).toEqualTypeOf<number | undefined>());
    expectTypeOf(contextSession.get(contextKey<Session>("session"))).toEqualTypeOf<Session | undefined>();
    contextSession.set(count, 5);
    // @ts-expect-error -- The value has another type.
    contextSession.set(count, "5");
    // @ts-expect-error -- The value has another type.
    begin((session) => session.set(count, "5"));
    // @ts-expect-error -- A key is made by contextKey().
    contextSession.get("count");
  });

  it("of one type is none of another, be it wider or narrower", () => {
    expectTypeOf<ContextKey<number>>().not.toExtend<ContextKey<number | string>>();
    expectTypeOf<ContextKey<number | string>>().not.toExtend<ContextKey<number>>();
    // @ts-expect-error -- With it a text could be set where a number is expected.
    void (count satisfies ContextKey<number | string>);
    // @ts-expect-error -- What it finds may be a text.
    void (contextKey<number | string>("either") satisfies ContextKey<number>);
  });
});

describe("what a session knows", () => {
  it("is read and not written", () => {
    begin((session) => {
      expectTypeOf(session.peers()).toEqualTypeOf<readonly PeerStanding[]>();
      for (const { node: peer, latencyMs, lastUsedMs } of session.peers()) {
        expectTypeOf(peer).toEqualTypeOf<Node>();
        expectTypeOf(latencyMs).toEqualTypeOf<number | undefined>();
        expectTypeOf(lastUsedMs).toEqualTypeOf<number | undefined>();
      }
      // @ts-expect-error -- It only tells.
      session.isOpen = false;
      // @ts-expect-error -- Nobody else's list.
      session.peers().push();
    });
  });

  it("orders nodes, of configurations and for client sessions", () => {
    expectTypeOf(byUsefulness()).toEqualTypeOf<NodeOrder>();
    expectTypeOf(configuration.sortBy(byUsefulness()).take(2)).toEqualTypeOf<Configuration>();
    void openSession(configuration, { prefer: byUsefulness() });
    // @ts-expect-error -- An order has to be made.
    configuration.sortBy(byUsefulness);
  });
});

it("trackPeers() is an interceptor of a connection, of a client and of any call", () => {
  expectTypeOf(trackPeers()).toExtend<ClientInterceptor>();
  const interceptors = [
    trackPeers({ isUseful: (reply, call) => reply.$typeName.length > call.method.length }),
  ];
  const client = createClient(Test, configuration, { interceptors });
  void client.echoQC({}, { interceptors });
  void client.echoMulticast({}, { interceptors });
  // @ts-expect-error -- There is no such option.
  trackPeers({ useful: () => true });
  // @ts-expect-error -- It has to be made.
  createClient(Test, configuration, { interceptors: [trackPeers] });
});
