import { Code, type Router } from "quorate";
import { contextSession } from "quorate/context";
import { describe, expect, it } from "vitest";
import { fetchBlocks } from "../../../examples/gateway/client/fetch-blocks.js";
import { Peer } from "../../../examples/gateway/gen/gateway/v1/gateway_quorate.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { blockOf, openPeers, peerWith, textOf } from "./open-peers.js";

checkLeaks();

const [a, b, c] = [blockOf("a"), blockOf("b"), blockOf("c")];
const [idA, idB, idC] = [a[0], b[0], c[0]];

/** A peer that never answers, and counts those who wait for it, or did. */
function silentPeer() {
  const waiting = { now: 0, most: 0, ever: 0 };
  const serve = (router: Router) =>
    router.service(Peer, {
      findFile: () => ({}),
      getBlock: (_, { release, signal }) => {
        release();
        waiting.now += 1;
        waiting.ever += 1;
        waiting.most = Math.max(waiting.most, waiting.now);
        return new Promise<never>((_, reject) => {
          signal.addEventListener("abort", () => {
            waiting.now -= 1;
            reject(new Error("nobody waits"));
          });
        });
      },
    });
  return { serve, waiting };
}

describe("fetchBlocks", () => {
  it("asks the next peer where one lacks a block, and begins with who had the last one", async () => {
    await using open = await openPeers(peerWith([]), peerWith([]), peerWith([a, b, c]));
    await contextSession.begin(async () => {
      expect(textOf(await fetchBlocks(open.peers, [idA]))).toBe("a");
      expect(open.takeAsked()).toEqual([1, 2, 3]);
      expect(textOf(await fetchBlocks(open.peers, [idB]))).toBe("b");
      expect(open.takeAsked()).toEqual([3]);
    });
  });

  it("takes no wrong bytes, and asks whoever sent them after the others", async () => {
    const wrong: [string, Uint8Array] = [idA, b[1]];
    await using open = await openPeers(peerWith([wrong, b, c]), peerWith([a, b, c]), peerWith([a, b]));
    await contextSession.begin(async (session) => {
      expect(textOf(await fetchBlocks(open.peers, [idA]))).toBe("a");
      expect(open.takeAsked()).toEqual([1, 2]);
      expect(textOf(await fetchBlocks(open.peers, [idB, idC]))).toBe("bc");
      expect(open.takeAsked()).toEqual([2, 2]);
      const standings = session
        .peers()
        .map(({ node, successes, failures }) => [node.id, successes, failures]);
      expect(standings).toEqual([
        [2, 3, 0],
        [1, 0, 1],
      ]);
    });
  });

  it("goes on with the others when one is dead, and asks that one last from then on", async () => {
    await using open = await openPeers(peerWith([a, b]), peerWith([a]), peerWith([a, b]));
    open.cluster.network.setDown(open.cluster.nodes[1] ?? "", true);
    await eventually(() => !open.peers.node(1).connected);
    expect(textOf(await fetchBlocks(open.peers, [idA]))).toBe("a");
    open.takeAsked();
    // The connection knows that, also outside of context sessions.
    expect(textOf(await fetchBlocks(open.peers, [idB]))).toBe("b");
    expect(open.takeAsked()).not.toContain(1);
  });

  it("says that all peers lack a block", async () => {
    await using open = await openPeers(peerWith([a]), peerWith([]));
    await expect(fetchBlocks(open.peers, [idA, idB])).rejects.toMatchObject({
      code: Code.NotFound,
      message: `gateway: no peer has the block ${idB}: 2 of 2 peers lack it`,
    });
  });

  it("does not say so where somebody could not be asked, or sent something else", async () => {
    await using open = await openPeers(peerWith([]), peerWith([[idA, b[1]]]), peerWith([a]));
    open.cluster.network.setDown(open.cluster.nodes[3] ?? "", true);
    await eventually(() => !open.peers.node(3).connected);
    await expect(fetchBlocks(open.peers, [idA])).rejects.toMatchObject({
      code: Code.Unavailable,
      message: expect.stringMatching(
        /: 1 of 3 peers lack it; .*node 2 .*sent wrong bytes for block .*; .*node 3/,
      ),
    });
  });

  it("ends with its signal, and asks nobody else", async () => {
    const silent = silentPeer();
    await using open = await openPeers(silent.serve, peerWith([a]));
    const abort = new AbortController();
    const fetching = fetchBlocks(open.peers, [idA], { signal: abort.signal });
    await eventually(() => silent.waiting.now === 1);
    abort.abort();
    await expect(fetching).rejects.toMatchObject({ code: Code.Canceled });
    await eventually(() => silent.waiting.now === 0);
    expect(open.takeAsked()).toEqual([1]);
    await expect(fetchBlocks(open.peers, [idA], abort)).rejects.toMatchObject({ code: Code.Canceled });
    expect(silent.waiting.ever).toBe(1);
  });

  it("asks for four blocks at a time, and for no more once one cannot be had", async () => {
    const silent = silentPeer();
    await using open = await openPeers(silent.serve);
    const ids = Array.from({ length: 20 }, (_, at) => blockOf(`${at}`)[0]);
    const fetching = fetchBlocks(open.peers, ids).catch((error: unknown) => error);
    await eventually(() => silent.waiting.now === 4);
    open.cluster.network.breakStreams(open.cluster.nodes[1] ?? "");
    expect(await fetching).toMatchObject({ code: Code.Unavailable });
    await eventually(() => silent.waiting.now === 0);
    expect(silent.waiting).toEqual({ now: 0, most: 4, ever: 4 });
  });

  it("fetches a block once that is wanted twice, also by another call of the same work", async () => {
    await using open = await openPeers(peerWith([a, b, c]));
    await contextSession.begin(async () => {
      expect(textOf(await fetchBlocks(open.peers, [idA, idB, idA]))).toBe("aba");
      expect(open.takeAsked()).toHaveLength(2);
      expect(textOf(await fetchBlocks(open.peers, [idB, idC]))).toBe("bc");
      expect(open.takeAsked()).toHaveLength(1);
    });
    expect(textOf(await fetchBlocks(open.peers, [idB, idB]))).toBe("bb");
    expect(textOf(await fetchBlocks(open.peers, [idB]))).toBe("b");
    expect(open.takeAsked()).toHaveLength(2);
  });
});
