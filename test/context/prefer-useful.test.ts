import { byId, createClient } from "quorate";
import { byUsefulness, contextSession, trackPeers } from "quorate/context";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Code } from "../../internal/errors/code.js";
import { unmanaged } from "../../src/sessions/client/unmanaged.js";
import { holdingCluster } from "../calls/held-cluster.js";
import { Register } from "../gen/register/v1/register_quorate.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { failureOf } from "../sessions/client/failure-of.js";
import { fast, ScriptedServers } from "../sessions/client/scripted-servers.js";
import { countsOf } from "./peer-counts.js";

checkLeaks();

// Time goes on only where the test says so: neither machines nor their load decide who is slow.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a node that was slow once", () => {
  it("is avoided, and tried again when it was not used for some half-lives", async () => {
    await using servers = await holdingCluster(3);
    const delays = new Map([[1, 400]]);
    const interceptors = [trackPeers()];
    /** Asks the one that is the most useful; returns which it was. */
    const ask = async (): Promise<number> => {
      const chosen = servers.client.sortBy(byUsefulness()).take(1);
      const [node] = chosen.nodes;
      if (node === undefined) throw new Error("nobody was chosen");
      const reply = createClient(Test, chosen, { interceptors }).echoQC({}).first();
      const request = await servers.next(node.id);
      vi.advanceTimersByTime(delays.get(node.id) ?? 4);
      request.reply("");
      await reply;
      return node.id;
    };
    const asked = async (times: number): Promise<number[]> => {
      const ids: number[] = [];
      for (let at = 0; at < times; at++) ids.push(await ask());
      return ids;
    };
    const options = { halfLifeMs: 1_000 };
    await contextSession.begin(async (session) => {
      // Nothing is known of anybody: the first as they come.
      expect(await ask()).toBe(1);
      expect(await asked(20)).not.toContain(1);
      delays.delete(1);
      let seconds = 0;
      while (!(await asked(3)).includes(1)) {
        vi.advanceTimersByTime(1_000);
        seconds += 1;
        if (seconds > 20) throw new Error("it was not tried again");
      }
      // 400 ms and less than 10 ms are some half-lives apart.
      expect(seconds).toBeGreaterThan(2);
      expect(seconds).toBeLessThan(10);
      expect(countsOf(session)[1]).toBe("2 ok, 0 failed, 0 open");
    }, options);
    // Another piece of work has its own opinion, made of what the nodes themselves remember.
    await contextSession.begin(async () => {
      expect(servers.client.sortBy(byUsefulness()).nodes[0]?.id).not.toBe(1);
    });
  });
});

describe("openSession({ prefer: byUsefulness() })", () => {
  it("opens at the server that was the most useful, and fails over in that order", async () => {
    await using servers = await ScriptedServers.start(3);
    const { prefer: _, ...options } = fast;
    const configuration = await servers.connect({ clientInterceptors: [trackPeers()] });
    const read = (id: number) => createClient(Register, unmanaged(configuration.node(id))).read({});
    servers.on("Read", (one) => {
      if (one.server === 1) return one.refuse("NOT_HERE", Code.NotFound);
      vi.advanceTimersByTime(one.server === 2 ? 100 : 4);
      one.reply(10);
    });
    await contextSession.begin(async (session) => {
      // Node 1 is quick to say that it has nothing.
      await failureOf(read(1));
      await read(2);
      await read(3);
      expect(session.peers().map(({ node }) => node.id)).toEqual([3, 2, 1]);
      expect(configuration.sortBy(byId).nodes[0]?.id).toBe(1);
      const opened = await servers.openOn(configuration, { ...options, prefer: byUsefulness() });
      const register = createClient(Register, opened);
      const boundAt = () => servers.seen.filter(({ method }) => method === "LoginRegister");
      expect(boundAt().map(({ server }) => server)).toEqual([3]);
      servers.break(3, "down");
      await register.append({});
      expect(boundAt().map(({ server }) => server)).toEqual([3, 2]);
      servers.break(2, "down");
      await register.append({});
      expect(boundAt().map(({ server }) => server)).toEqual([3, 2, 1]);
      await opened.close();
    });
    await eventually(() => configuration.node(1).pendingCalls === 0);
  });

  it("goes by latency once the context session is over", async () => {
    await using servers = await ScriptedServers.start(2);
    const { prefer: _, ...options } = fast;
    const configuration = await servers.connect({ clientInterceptors: [trackPeers()] });
    servers.on("Read", (one) => {
      vi.advanceTimersByTime(one.server === 1 ? 4 : 200);
      one.reply(10);
    });
    for (const id of [1, 2]) await createClient(Register, unmanaged(configuration.node(id))).read({});
    const opened = await contextSession.begin(async (session) => {
      session.addPeer(configuration.node(2));
      // Of more use than one that is quick and has nothing, again and again.
      servers.on("Read", (one) => one.refuse("NOT_HERE", Code.NotFound));
      for (let at = 0; at < 3; at++) {
        await failureOf(createClient(Register, unmanaged(configuration.node(1))).read({}));
      }
      return servers.openOn(configuration, { ...options, prefer: byUsefulness() });
    });
    const boundAt = () =>
      servers.seen.filter(({ method }) => method === "LoginRegister").map(({ server }) => server);
    expect(boundAt()).toEqual([2]);
    servers.break(2);
    await eventually(() => boundAt().length === 2);
    // By now both are there, and node 1 is the quicker one.
    expect(boundAt().at(-1)).toBe(1);
    await opened.close();
  });
});
