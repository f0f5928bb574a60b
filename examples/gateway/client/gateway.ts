import type { Configuration } from "quorate";
import { contextSession } from "quorate/context";
import { fetchBlocks } from "./fetch-blocks.js";
import type { FetchOptions } from "./fetch-options.js";
import { findFile } from "./find-file.js";

/**
 * Fetches a file from whichever peers have it, as one piece of work: what finding it shows of the peers is what its blocks
 * are fetched by. Within a context session it is part of that one.
 *
 * @throws QuorateError NotFound if no peer has the file or one of its blocks, Unavailable if some of them could not say,
 * and what its signal ends with.
 */
export function fetchFile(peers: Configuration, path: string, options?: FetchOptions): Promise<Uint8Array> {
  return contextSession.begin(() => readFile(peers, path, options));
}

/**
 * The same without a session of its own: outside of any, peers are asked by their latency, and what one call finds out is
 * of no use to the next.
 */
export async function readFile(
  peers: Configuration,
  path: string,
  options?: FetchOptions,
): Promise<Uint8Array> {
  const blockIds = await findFile(peers, path, options);
  return Buffer.concat(await fetchBlocks(peers, blockIds, options));
}
