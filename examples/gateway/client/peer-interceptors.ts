import type { ClientInterceptor } from "quorate";
import { trackPeers } from "quorate/context";
import { verifyBlocks } from "./verify-blocks.js";

/**
 * What a gateway connects to its peers with: `connect({ nodes, clientInterceptors: peerInterceptors })`. Blocks are looked
 * at first, so that a peer that sends wrong ones is seen to fail.
 */
export const peerInterceptors: readonly ClientInterceptor[] = [verifyBlocks, trackPeers()];
