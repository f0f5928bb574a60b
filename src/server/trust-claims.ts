import type { Identify } from "./identify.js";

/**
 * Believes every stream: whoever says that it is node 2 is node 2, as in Gorums (W-02). The default of `identify`
 * where clients present no certificates; for networks that only friends can reach.
 */
export function trustClaims(): Identify {
  return ({ claim }) => (claim.kind === "node" ? { nodeId: claim.id } : {});
}
