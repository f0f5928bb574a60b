import { type ContextSession, contextSession, type PeerTracking, trackPeers } from "quorate/context";
import { runLanes } from "../shared/run-lanes.js";
import { besideSession } from "./beside-session.js";
import type { Subject } from "./compare-costs.js";
import { cpuMicrosOf } from "./cpu-time.js";

/** Makes one call. */
export type Call = () => Promise<unknown>;

/** What is called, and how. */
export interface CallLoad {
  /** A way to call with these interceptors. */
  readonly client: (interceptors: readonly PeerTracking[]) => Call;
  /** How many nodes one call goes to. */
  readonly nodes: number;
  /** Calls that are under way at the same time. */
  readonly window: number;
}

/** One kind of call with and without interceptors, within and outside of sessions. */
export function callSubjects({ client, nodes, window }: CallLoad): Subject[] {
  const plain = client([]);
  const tracked = client([trackPeers()]);
  const watched = client([watchResponses]);
  const counted = async (timeMs: number, session: ContextSession) => {
    const { calls, micros } = await callCost(tracked, window, timeMs);
    checkCounts(session, calls * nodes);
    return micros;
  };
  const cost = async (call: Call, timeMs: number) => (await callCost(call, window, timeMs)).micros;
  return [
    { name: "plain", measure: (timeMs) => cost(plain, timeMs) },
    { name: "idle", to: "plain", measure: (timeMs) => cost(tracked, timeMs) },
    { name: "outside", to: "plain", measure: (timeMs) => besideSession(() => cost(tracked, timeMs)) },
    {
      name: "inside",
      to: "plain",
      measure: (timeMs) => contextSession.begin((session) => counted(timeMs, session)),
    },
    {
      name: "inside, empty",
      to: "plain",
      measure: (timeMs) => contextSession.begin(() => cost(watched, timeMs)),
    },
    {
      name: "inside, none",
      to: "plain",
      measure: (timeMs) => contextSession.begin(() => cost(plain, timeMs)),
    },
  ];
}

/** An interceptor that is told as much as that of `trackPeers()`, and does nothing with it. */
const watchResponses: PeerTracking = () => ({ response: () => {}, left: () => {} });

async function callCost(
  call: Call,
  window: number,
  timeMs: number,
): Promise<{ readonly calls: number; readonly micros: number }> {
  let calls = 0;
  const cpuMicros = await cpuMicrosOf(() =>
    runLanes(window, timeMs, () => {
      calls += 1;
      return call();
    }),
  );
  return { calls, micros: cpuMicros / calls };
}

/** Throws if the session has not counted each call at each node. */
function checkCounts(session: ContextSession, expected: number): void {
  let counted = 0;
  for (const { successes, failures, unanswered } of session.peers()) {
    counted += successes + failures + unanswered;
  }
  if (counted === expected) return;
  throw new Error(`the session has counted ${counted} outcomes of calls, and there were ${expected}`);
}
