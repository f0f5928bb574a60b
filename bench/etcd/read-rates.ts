import { startCluster } from "./bench-cluster.js";
import { type BenchmarkSettings, lifeMs } from "./benchmark-settings.js";
import { type ComparisonResult, compare } from "./comparison.js";
import { measureRate } from "./measure-rate.js";
import { type Load, ValueClients } from "./value-clients.js";
import { startValueServer } from "./value-server.js";

/** Reads of sessions, which append nothing, against calls without sessions that the same server answers with the same value. */
export function readRates(load: Load) {
  return async (settings: BenchmarkSettings): Promise<ComparisonResult> => {
    const { members, signal } = settings;
    await using cluster = await startCluster(members);
    const { endpoint } = cluster;
    const init = { endpoint, notesTimes: false, lifeMs: lifeMs(settings) };
    await using server = await startValueServer(init, signal);
    await using clients = await ValueClients.connect(server, load.clients);
    for (const write of clients.writes(new Uint8Array(valueBytes).fill(0x5a))) await write();
    const parts = { cluster, server, signal };
    const ways = { plain: clients.plainReads(), linearizable: clients.reads(), local: clients.localReads() };
    const contestants = Object.entries(ways).map(([name, requests]) => ({
      name,
      measure: (ms: number) => measureRate(requests, load, ms, parts),
    }));
    const target = { kind: "at least", value: 0.7 } as const;
    const ratios = ["linearizable", "local"].map((of) => ({ of, to: "plain", target }));
    return await compare(contestants, ratios, settings, signal);
  };
}

const valueBytes = 100;
