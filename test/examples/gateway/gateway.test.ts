import { setTimeout } from "node:timers/promises";
import { Code, type Router } from "quorate";
import { contextSession } from "quorate/context";
import { describe, expect, it } from "vitest";
import { fetchBlocks } from "../../../examples/gateway/client/fetch-blocks.js";
import { findFile } from "../../../examples/gateway/client/find-file.js";
import { fetchFile, readFile } from "../../../examples/gateway/client/gateway.js";
import { Peer } from "../../../examples/gateway/gen/gateway/v1/gateway_quorate.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { blockOf, openPeers, peerWith, textOf } from "./open-peers.js";

checkLeaks();

const [a, b, c, d] = [blockOf("a"), blockOf("b"), blockOf("c"), blockOf("d")];
const one = { "/one": [a[0], b[0], a[0]] };
const two = { "/two": [b[0], c[0]] };

describe("findFile", () => {
  it("asks one peer after the other for the blocks of a file", async () => {
    await using open = await openPeers(peerWith([]), peerWith([], one), peerWith([], one));
    expect(await findFile(open.peers, "/one")).toEqual(one["/one"]);
    expect(open.takeAsked()).toEqual([1, 2]);
  });

  it("says that nobody knows a file", async () => {
    await using open = await openPeers(peerWith([], one), peerWith([], two));
    await expect(findFile(open.peers, "/three")).rejects.toMatchObject({
      code: Code.NotFound,
      message: "gateway: no peer has the file /three: 2 of 2 peers lack it",
    });
  });

  it("ends with its signal", async () => {
    await using open = await openPeers(peerWith([], one));
    const signal = AbortSignal.abort();
    await expect(findFile(open.peers, "/one", { signal })).rejects.toMatchObject({ code: Code.Canceled });
  });
});

describe("fetchFile", () => {
  it("puts a file together, and asks for its blocks where it was found", async () => {
    await using open = await openPeers(peerWith([a, b, d]), peerWith([a, b], one), peerWith([]));
    expect(textOf(await fetchFile(open.peers, "/one"))).toBe("aba");
    expect(open.takeAsked()).toEqual([1, 2, 2, 2]);
    expect(contextSession.current()).toBeUndefined();
  });

  it("is a piece of work of its own: the next one has no blocks of it", async () => {
    await using open = await openPeers(peerWith([a, b], one));
    for (const _ of ["first", "second"]) {
      expect(textOf(await fetchFile(open.peers, "/one"))).toBe("aba");
      expect(open.takeAsked()).toHaveLength(1 + 2);
    }
  });

  it("joins the work of its caller, who fetches a block of two files once", async () => {
    await using open = await openPeers(peerWith([a, b, c], { ...one, ...two }));
    const page = contextSession.begin(async () => {
      const first = await fetchFile(open.peers, "/one");
      return textOf([first, await fetchFile(open.peers, "/two")]);
    });
    expect(await page).toBe("ababc");
    // Two files, and the blocks a, b and c.
    expect(open.takeAsked()).toHaveLength(2 + 3);
  });

  it("fails where a block is missing, and where the signal has ended", async () => {
    await using open = await openPeers(peerWith([a], one));
    await expect(fetchFile(open.peers, "/one")).rejects.toMatchObject({ code: Code.NotFound });
    const signal = AbortSignal.abort();
    await expect(fetchFile(open.peers, "/one", { signal })).rejects.toMatchObject({ code: Code.Canceled });
  });
});

describe("a peer that is quick and has nothing of the file", () => {
  it.each([
    { name: "fetchFile", fetch: fetchFile, asked: [1, 2, 2, 2] },
    { name: "readFile, without a session,", fetch: readFile, asked: [1, 2, 1, 1, 2, 2] },
  ])("$name asks it $asked", async ({ fetch, asked }) => {
    await using open = await openPeers(peerWith([d]), slowPeer);
    // So its latency is known, and the best.
    await fetchBlocks(open.peers, [d[0]]);
    expect(open.takeAsked()).toEqual([1]);
    expect(textOf(await fetch(open.peers, "/one"))).toBe("aba");
    expect(open.takeAsked()).toEqual(asked);
  });
});

/** A peer that has the file, and takes its time. */
function slowPeer(router: Router): Router {
  const blocks = new Map([a, b]);
  return router.service(Peer, {
    findFile: () => setTimeout(20, { blockIds: one["/one"] }),
    getBlock: ({ blockId }) => setTimeout(20, { data: blocks.get(blockId) ?? d[1] }),
  });
}
