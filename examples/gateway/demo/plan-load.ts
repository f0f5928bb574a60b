import { pick, type Random, randomInteger, seededRandom, shuffled } from "../../bank/demo/seeded-random.js";
import { blockIdOf } from "../service/block-id.js";
import type { BlockStore } from "../service/peer-routes.js";
import type { DemoOptions } from "./read-options.js";

/** What is peculiar to a peer: it answers late, it dies when half of the files are fetched, or its blocks are wrong. */
export type PeerKind = "quick" | "slow" | "dies" | "lies";

/** A peer, and what it has. */
export interface PlannedPeer extends BlockStore {
  readonly kind: PeerKind;
  /** How long it takes to answer, in milliseconds. */
  readonly delayMs: number;
}

/** A file that is fetched. */
export interface PlannedFile {
  readonly path: string;
  readonly content: Uint8Array;
}

/** Who has what, and what is fetched, in which order. */
export interface LoadPlan {
  readonly peers: readonly PlannedPeer[];
  readonly files: readonly PlannedFile[];
}

/** One file in pieces. */
interface Pieces extends PlannedFile {
  readonly blocks: ReadonlyMap<string, Uint8Array>;
  readonly blockIds: readonly string[];
}

/** Files in blocks, each with two or three peers that have it; the same for the same seed. */
export function planLoad({ seed, peers: peerCount, files: fileCount }: Omit<DemoOptions, "json">): LoadPlan {
  const random = seededRandom(seed);
  const kinds: PeerKind[] = ["slow", "slow", "dies", "lies"];
  while (kinds.length < peerCount) kinds.push("quick");
  const peers = shuffled(random, kinds).map((kind) => ({
    kind,
    delayMs: kind === "slow" ? randomInteger(random, 50, 100) : randomInteger(random, 1, 4),
    files: new Map<string, readonly string[]>(),
    blocks: new Map<string, Uint8Array>(),
  }));
  const files = Array.from({ length: fileCount }, (_, at) => makeFile(random, `/files/${at + 1}`));
  for (const file of files) {
    const homes = chooseHomes(random, peers);
    for (const { files } of homes) files.set(file.path, file.blockIds);
    for (const [id, data] of file.blocks) {
      for (const { blocks } of homesOfBlock(random, homes)) blocks.set(id, data);
    }
  }
  return { peers, files: files.map(({ path, content }) => ({ path, content })) };
}

function makeFile(random: Random, path: string): Pieces {
  const blocks = new Map<string, Uint8Array>();
  const blockIds: string[] = [];
  const length = randomInteger(random, 6, 18);
  while (blockIds.length < length) {
    const [first, ...others] = blocks.keys();
    // Now and then a block comes once more, as runs of zeros do.
    if (first !== undefined && random() < 0.05) {
      blockIds.push(pick(random, [first, ...others]));
    } else {
      const data = Uint8Array.from({ length: 512 }, () => randomInteger(random, 0, 255));
      const id = blockIdOf(data);
      blocks.set(id, data);
      blockIds.push(id);
    }
  }
  const content = Buffer.concat(blockIds.flatMap((id) => blocks.get(id) ?? []));
  return { path, content, blocks, blockIds };
}

/** Two or three peers, one of which, at least, lasts and sends what is right. */
function chooseHomes<Peer extends PlannedPeer>(random: Random, peers: readonly Peer[]): Peer[] {
  const [lasting, ...more] = shuffled(random, peers.filter(isReliable));
  const others = shuffled(random, [...more, ...peers.filter((peer) => !isReliable(peer))]);
  return [...(lasting === undefined ? [] : [lasting]), ...others.slice(0, randomInteger(random, 1, 2))];
}

/** The peers of the file, now and then but for one of them. */
function homesOfBlock<Peer extends PlannedPeer>(random: Random, homes: readonly Peer[]): readonly Peer[] {
  if (random() < 0.9) return homes;
  const without = randomInteger(random, 0, homes.length - 1);
  const rest = homes.filter((_, at) => at !== without);
  return rest.some(isReliable) ? rest : homes;
}

function isReliable({ kind }: PlannedPeer): boolean {
  return kind === "quick" || kind === "slow";
}
