import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type PlannedPeer, planLoad } from "../../../examples/gateway/demo/plan-load.js";
import { blockIdOf } from "../../../examples/gateway/service/block-id.js";

const options = fc.record({
  seed: fc.integer({ min: 0, max: 0xffff_ffff }),
  peers: fc.integer({ min: 6, max: 12 }),
  files: fc.integer({ min: 1, max: 8 }),
});

/** The peers that answer to the end, and with the right bytes. */
function reliable({ kind }: PlannedPeer): boolean {
  return kind === "quick" || kind === "slow";
}

describe("planLoad", () => {
  it("has two slow peers, one that dies and one that lies, among quick ones", () => {
    fc.assert(
      fc.property(options, (wanted) => {
        const { peers } = planLoad(wanted);
        const kinds = peers.map(({ kind }) => kind);
        expect(kinds.filter((kind) => kind !== "quick").sort()).toEqual(["dies", "lies", "slow", "slow"]);
        expect(kinds).toHaveLength(wanted.peers);
        for (const { kind, delayMs } of peers) {
          const [least, most] = kind === "slow" ? [50, 100] : [1, 4];
          expect(delayMs).toBeGreaterThanOrEqual(least);
          expect(delayMs).toBeLessThanOrEqual(most);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("gives each file to two or three peers, and each of its blocks to one that can be relied on", () => {
    fc.assert(
      fc.property(options, (wanted) => {
        const { peers, files } = planLoad(wanted);
        expect(files).toHaveLength(wanted.files);
        for (const { path, content } of files) {
          const homes = peers.filter((peer) => peer.files.has(path));
          expect([2, 3]).toContain(homes.length);
          const [blockIds = []] = homes.map((home) => home.files.get(path));
          for (const home of homes) expect(home.files.get(path)).toEqual(blockIds);
          const blocks = blockIds.map((id) =>
            homes
              .filter(reliable)
              .find((home) => home.blocks.has(id))
              ?.blocks.get(id),
          );
          expect(Buffer.concat(blocks.flatMap((block) => block ?? [])).equals(content)).toBe(true);
        }
        for (const { blocks } of peers) for (const [id, data] of blocks) expect(blockIdOf(data)).toBe(id);
      }),
      { numRuns: 30 },
    );
  });

  it("is the same for the same seed, and another for another", () => {
    const plan = (seed: number) => planLoad({ seed, peers: 8, files: 5 });
    expect(plan(7)).toEqual(plan(7));
    expect(plan(7).files[0]?.content).not.toEqual(plan(8).files[0]?.content);
    const kinds = (seed: number) => plan(seed).peers.map(({ kind, delayMs }) => `${kind} ${delayMs}`);
    expect(kinds(7)).not.toEqual(kinds(8));
  });

  it("has files with a block twice, and peers that lack a block of theirs", () => {
    const { peers, files } = planLoad({ seed: 1, peers: 8, files: 60 });
    const homesOf = (path: string) => peers.filter((peer) => peer.files.has(path));
    const idsOf = (path: string) => homesOf(path)[0]?.files.get(path) ?? [];
    expect(files.some(({ path }) => new Set(idsOf(path)).size < idsOf(path).length)).toBe(true);
    const lacking = files.flatMap(({ path }) =>
      homesOf(path).flatMap(({ blocks }) => idsOf(path).filter((id) => !blocks.has(id))),
    );
    expect(lacking.length).toBeGreaterThan(10);
  });
});
