export { type AmbientSession, contextSession } from "./ambient-session.js";
export { byUsefulness } from "./by-usefulness.js";
export {
  type ContextKey,
  type ContextSession,
  type ContextSessionOptions,
  contextKey,
} from "./context-session.js";
export type { PeerStanding } from "./peer-tracker.js";
export { type PeerTracking, type TrackPeersOptions, trackPeers } from "./track-peers.js";
