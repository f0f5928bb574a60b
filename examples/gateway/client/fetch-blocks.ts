import { type Configuration, createClient, type Node } from "quorate";
import { contextKey, contextSession } from "quorate/context";
import { Peer } from "../gen/gateway/v1/gateway_quorate.js";
import { askInTurn } from "./ask-in-turn.js";
import type { FetchOptions } from "./fetch-options.js";
import { inWindow } from "./in-window.js";

/** How many blocks of one call are asked for at the same time. */
const windowSize = 4;

/** What one piece of work has fetched so far, by block id. */
const fetchedBlocks = contextKey<Map<string, Uint8Array>>("fetched blocks");

/**
 * The bytes of blocks, in the order of their ids. A block that is in it twice is fetched once, and one that the same piece
 * of work has fetched before, not at all.
 *
 * @throws what `askInTurn` throws of the first block that cannot be had; then the others are not waited for.
 */
export async function fetchBlocks(
  peers: Configuration,
  blockIds: readonly string[],
  options?: FetchOptions,
): Promise<Uint8Array[]> {
  const fetched = contextSession.getOrSet(fetchedBlocks, () => new Map<string, Uint8Array>());
  const wanted = new Set(blockIds.filter((blockId) => !fetched.has(blockId)));
  const fetchOne = async (blockId: string, options: FetchOptions) => {
    const ask = (peer: Node) => createClient(Peer, peer).getBlock({ blockId }, options);
    fetched.set(blockId, (await askInTurn(peers, `block ${blockId}`, ask, options)).data);
  };
  await inWindow([...wanted], windowSize, fetchOne, options);
  // All are there: where one is not, the window has thrown.
  return blockIds.flatMap((blockId) => fetched.get(blockId) ?? []);
}
