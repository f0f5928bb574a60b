import type { ClientInterceptor, Configuration, Router } from "quorate";
import { createLocalCluster, type LocalCluster } from "quorate/testing";
import { peerInterceptors } from "../../../examples/gateway/client/peer-interceptors.js";
import { blockIdOf } from "../../../examples/gateway/service/block-id.js";
import { peerRoutes } from "../../../examples/gateway/service/peer-routes.js";

/** Peers in memory, and a gateway's connection to them. */
export interface OpenPeers extends AsyncDisposable {
  readonly cluster: LocalCluster;
  readonly peers: Configuration;
  /** The ids of the peers that were asked since it was taken last, in this order. */
  takeAsked(): number[];
}

/** A block of a text, with its id. */
export function blockOf(text: string): readonly [id: string, data: Uint8Array] {
  const data = new TextEncoder().encode(text);
  return [blockIdOf(data), data];
}

/** What a peer serves that has these blocks, and knows these files. */
export function peerWith(
  blocks: readonly (readonly [string, Uint8Array])[],
  files: Readonly<Record<string, readonly string[]>> = {},
): (router: Router) => Router {
  return peerRoutes({ files: new Map(Object.entries(files)), blocks: new Map(blocks) });
}

/** Starts peers that serve this, with ids from 1 on, and connects to them. */
export async function openPeers(...served: readonly ((router: Router) => Router)[]): Promise<OpenPeers> {
  const asked: number[] = [];
  const log: ClientInterceptor = ({ configuration }) => {
    asked.push(...configuration.ids);
    return undefined;
  };
  const cluster = await createLocalCluster(served.length, {
    routes: (router, id) => served[id - 1]?.(router),
  });
  const peers = await cluster.connect({ clientInterceptors: [...peerInterceptors, log] });
  return {
    cluster,
    peers,
    takeAsked: () => asked.splice(0),
    [Symbol.asyncDispose]: () => cluster.close(),
  };
}

/** Bytes as text. */
export function textOf(data: Uint8Array | readonly Uint8Array[]): string {
  return Buffer.concat(data instanceof Uint8Array ? [data] : data).toString();
}
