import { Code, QuorateError, type Router } from "quorate";
import { Peer } from "../gen/gateway/v1/gateway_quorate.js";

/** What a peer has. */
export interface BlockStore {
  /** The ids of the blocks of each file that it knows, by path; it need not have all of them. */
  readonly files: ReadonlyMap<string, readonly string[]>;
  /** Bytes by their ids. */
  readonly blocks: ReadonlyMap<string, Uint8Array>;
}

/** Serves what a peer has. What it does not have it answers with NotFound. */
export function peerRoutes({ files, blocks }: BlockStore): (router: Router) => Router {
  return (router) =>
    router.service(Peer, {
      findFile: ({ path }) => ({ blockIds: [...(files.get(path) ?? missing(`file ${path}`))] }),
      getBlock: ({ blockId }) => ({ data: blocks.get(blockId) ?? missing(`block ${blockId}`) }),
    });
}

function missing(what: string): never {
  throw new QuorateError(Code.NotFound, `peer: the ${what} is not here`);
}
