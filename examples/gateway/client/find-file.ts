import { type Configuration, createClient, type Node } from "quorate";
import { Peer } from "../gen/gateway/v1/gateway_quorate.js";
import { askInTurn } from "./ask-in-turn.js";
import type { FetchOptions } from "./fetch-options.js";

/**
 * The ids of the blocks that a file is made of, as the first peer says that knows the file. Its word is believed.
 *
 * @throws what `askInTurn` throws.
 */
export async function findFile(
  peers: Configuration,
  path: string,
  options?: FetchOptions,
): Promise<readonly string[]> {
  const ask = (peer: Node) => createClient(Peer, peer).findFile({ path }, options);
  return (await askInTurn(peers, `file ${path}`, ask, options)).blockIds;
}
