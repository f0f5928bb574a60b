import { type Configuration, connect } from "quorate";
import { fetchFile, readFile } from "../client/gateway.js";
import { inWindow } from "../client/in-window.js";
import { peerInterceptors } from "../client/peer-interceptors.js";
import type { LoadPlan, PlannedFile } from "./plan-load.js";
import { countRequests, type RequestCounts } from "./request-counts.js";
import { startPeers } from "./start-peers.js";

/** What a run came to. */
export interface RunResult extends RequestCounts {
  /** How long each file took, in milliseconds. */
  readonly fileMs: readonly number[];
  /** What was wrong with files, in words. */
  readonly failures: readonly string[];
}

/** How many files are fetched at the same time. */
const readers = 4;

/**
 * Starts the peers of a plan, fetches its files through a gateway, some at a time, and ends the peers.
 *
 * @throws what the signal ends with
 */
export async function runLoad(plan: LoadPlan, sessions: boolean, signal: AbortSignal): Promise<RunResult> {
  await using running = await startPeers(plan.peers);
  const counter = countRequests(plan.peers);
  await using peers = await connect({
    nodes: running.addresses,
    clientInterceptors: [...peerInterceptors, counter.interceptor],
    defaultTimeoutMs: 5_000,
  });
  await untilConnected(peers, signal);
  const fetch = sessions ? fetchFile : readFile;
  const fileMs: number[] = [];
  const failures: string[] = [];
  let begun = 0;
  const fetchOne = async ({ path, content }: PlannedFile) => {
    begun += 1;
    if (begun === Math.ceil(plan.files.length / 2)) await running.kill();
    const start = performance.now();
    try {
      const found = await fetch(peers, path, { signal });
      if (!Buffer.from(content).equals(found)) failures.push(`${path} is not what it should be`);
    } catch (error) {
      signal.throwIfAborted();
      failures.push(`${path}: ${error}`);
    }
    fileMs.push(performance.now() - start);
  };
  await inWindow(plan.files, readers, fetchOne, { signal });
  return { ...counter.counts(), fileMs, failures };
}

/** A peer that is still being dialled would be a slow one. Throws what the signal ends with, or when it takes 10 s. */
async function untilConnected(peers: Configuration, signal: AbortSignal): Promise<void> {
  const connected = (all: Configuration) => all.only(...all.nodes.filter((node) => node.connected));
  const ended = AbortSignal.any([signal, AbortSignal.timeout(10_000)]);
  for await (const { size } of peers.watch(connected, { intervalMs: 2, signal: ended })) {
    if (size === peers.size) return;
  }
  ended.throwIfAborted();
}
