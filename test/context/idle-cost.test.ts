import { AsyncLocalStorage } from "node:async_hooks";
import { type Configuration, createClient } from "quorate";
import { contextSession, trackPeers } from "quorate/context";
import { createLocalCluster } from "quorate/testing";
import { afterEach, describe, expect, it, vi } from "vitest";
import { anyScopeOpen } from "../../internal/util/async-scope.js";
import { type ClientInterceptor, standAsideWhile } from "../../src/configuration/client-interceptor.js";
import { unmanaged } from "../../src/sessions/client/unmanaged.js";
import { Register } from "../gen/register/v1/register_quorate.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";
import { ScriptedServers } from "../sessions/client/scripted-servers.js";

checkLeaks();
afterEach(() => {
  vi.restoreAllMocks();
});

/** Counts what a store is asked, whichever store it is. */
function countLookUps() {
  const spies = (["getStore", "run", "enterWith"] as const).map((name) =>
    vi.spyOn(AsyncLocalStorage.prototype, name),
  );
  return { count: () => spies.reduce((sum, { mock }) => sum + mock.calls.length, 0) };
}

/** As idle as trackPeers() outside of sessions; counts how often it is asked, and what is made for it. */
function counting() {
  const calls: unknown[] = [];
  const interceptor: ClientInterceptor = (call) => {
    calls.push(call);
    return undefined;
  };
  standAsideWhile(interceptor, () => !anyScopeOpen());
  return { interceptor, calls };
}

const many = 2_000;

interface CallRow {
  readonly type: string;
  readonly call: (client: Configuration) => () => Promise<unknown>;
}

const callTypes: readonly CallRow[] = [
  {
    type: "rpc",
    call: (client) => {
      const test = createClient(Test, client.node(1));
      return () => test.echoRPC({});
    },
  },
  {
    type: "unicast",
    call: (client) => {
      const test = createClient(Test, client.node(1));
      return () => test.echoUnicast({});
    },
  },
  {
    type: "multicast",
    call: (client) => {
      const test = createClient(Test, client);
      return () => test.echoMulticast({});
    },
  },
  {
    type: "quorum call",
    call: (client) => {
      const test = createClient(Test, client);
      return () => test.echoQC({}).majority((replies) => replies.length);
    },
  },
  {
    type: "call with many replies",
    call: (client) => {
      const test = createClient(Test, client);
      return () => test.echoCorrectable({}).collect();
    },
  },
];

async function makeMany(call: () => Promise<unknown>): Promise<void> {
  for (let made = 0; made < many; made += 100) {
    await Promise.all(Array.from({ length: 100 }, () => call()));
  }
}

describe("trackPeers() outside of context sessions", () => {
  it.each(callTypes)(
    "costs a $type no look-up and no object, before sessions and after",
    async ({ call }) => {
      const { calls, interceptor } = counting();
      const clientInterceptors = [trackPeers(), interceptor];
      await using cluster = await createLocalCluster(2, {
        clientInterceptors,
        routes: (router, node) => router.service(Test, echoHandlers(node)),
      });
      const client = await cluster.connect({ clientInterceptors });
      const one = call(client);
      const lookUps = countLookUps();
      await makeMany(one);
      expect(lookUps.count()).toBe(0);
      expect(calls).toHaveLength(0);
      // The counters count.
      await contextSession.begin(one);
      expect(lookUps.count()).toBeGreaterThan(0);
      expect(calls).toHaveLength(1);
      const before = lookUps.count();
      await makeMany(one);
      expect(lookUps.count()).toBe(before);
      expect(calls).toHaveLength(1);
    },
  );

  it("costs calls of client sessions and unmanaged ones none", async () => {
    const { calls, interceptor } = counting();
    await using servers = await ScriptedServers.start(1);
    const configuration = await servers.connect({ clientInterceptors: [trackPeers(), interceptor] });
    await using session = await servers.openOn(configuration);
    const register = createClient(Register, session);
    const anyhow = createClient(Register, unmanaged(configuration));
    const one = () => Promise.all([register.append({}), register.read({}), anyhow.read({})]);
    const lookUps = countLookUps();
    for (let at = 0; at < 200; at++) await one();
    expect(lookUps.count()).toBe(0);
    await contextSession.begin(one);
    expect(calls).toHaveLength(3);
    const before = lookUps.count();
    for (let at = 0; at < 200; at++) await one();
    expect(lookUps.count()).toBe(before);
    expect(calls).toHaveLength(3);
  });
});

/** Work that a session has left behind, which calls once it may go on; `seen` are the sessions that it was in. */
async function leaveWorkBehind() {
  const cluster = await createLocalCluster(1, {
    routes: (router) => router.service(Test, echoHandlers()),
  });
  const client = await cluster.connect({ clientInterceptors: [trackPeers()] });
  const test = createClient(Test, client.node(1));
  let goOn = () => {};
  const gate = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const seen: unknown[] = [];
  // In an object, so that the session does not wait for it.
  const { done } = contextSession.begin(() => ({
    done: gate.then(async () => {
      seen.push(contextSession.current());
      await test.echoRPC({});
      seen.push(contextSession.current());
    }),
  }));
  const finish = () => {
    goOn();
    return done;
  };
  return { seen, finish, [Symbol.asyncDispose]: () => cluster.close() };
}

describe("work that a session has left behind", () => {
  it("costs no look-up when that was the last one", async () => {
    await using work = await leaveWorkBehind();
    const lookUps = countLookUps();
    await work.finish();
    expect(lookUps.count()).toBe(0);
    expect(work.seen).toEqual([undefined, undefined]);
  });

  it("is in no session, also while another one is open", async () => {
    await using work = await leaveWorkBehind();
    await contextSession.begin(async (other) => {
      await work.finish();
      expect(other.peers()).toEqual([]);
      expect(contextSession.current()).toBe(other);
    });
    expect(work.seen).toEqual([undefined, undefined]);
  });
});
