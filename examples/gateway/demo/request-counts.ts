import { type ClientInterceptor, Code, type Node } from "quorate";
import type { PlannedPeer } from "./plan-load.js";

/** What became of the requests of a run. */
export interface RequestCounts {
  /** All of them. */
  readonly requests: number;
  /** Those that brought a file's block ids, or a block. */
  readonly useful: number;
  /** Those to peers that did not have what was asked for. */
  readonly misses: number;
  /** Those that were answered with wrong bytes. */
  readonly wrong: number;
  /** Those that got no answer, because their peer was dead. */
  readonly unreachable: number;
  /** Of all of them, those to slow peers. */
  readonly slow: number;
}

/** An interceptor that counts requests, and what it has counted. */
export interface RequestCounter {
  readonly interceptor: ClientInterceptor;
  counts(): RequestCounts;
}

/** Counts requests to peers, whose ids are their places in the plan, from 1 on. */
export function countRequests(peers: readonly PlannedPeer[]): RequestCounter {
  const counts = { requests: 0, useful: 0, misses: 0, wrong: 0, unreachable: 0, slow: 0 };
  const isSlow = ({ id }: Node) => peers[id - 1]?.kind === "slow";
  return {
    interceptor: ({ configuration }) => {
      counts.requests += configuration.size;
      counts.slow += configuration.nodes.filter(isSlow).length;
      return {
        response: (response) => {
          if (response.ok) counts.useful += 1;
          else if (response.error.code === Code.NotFound) counts.misses += 1;
          else if (response.error.code === Code.DataLoss) counts.wrong += 1;
          else counts.unreachable += 1;
        },
      };
    },
    counts: () => ({ ...counts }),
  };
}
