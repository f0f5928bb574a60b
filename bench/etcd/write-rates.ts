import { startCluster } from "./bench-cluster.js";
import type { BenchmarkSettings } from "./benchmark-settings.js";
import { lifeMs } from "./benchmark-settings.js";
import { type ComparisonResult, compare } from "./comparison.js";
import { connectPuts } from "./etcd-puts.js";
import { measureRate } from "./measure-rate.js";
import { type Load, type Request, ValueClients } from "./value-clients.js";
import { startValueServer } from "./value-server.js";
import { putPrefix } from "./watch-puts.js";

/** Writes of sessions, against one put for each request with the same values, and as many of them under way. */
export function writeRates(load: Load, bytes: number) {
  return async (settings: BenchmarkSettings): Promise<ComparisonResult> => {
    const { members, signal } = settings;
    const value = new Uint8Array(bytes).fill(0x5a);
    await using cluster = await startCluster(members);
    const { endpoint } = cluster;
    const init = { endpoint, notesTimes: false, lifeMs: lifeMs(settings) };
    await using server = await startValueServer(init, signal);
    await using clients = await ValueClients.connect(server, load.clients);
    using puts = connectPuts(cluster.endpoint);
    const writes = clients.writes(value);
    // A key for each lane: etcd has the least to do where keys are few.
    const plain = Array.from(
      { length: load.clients * load.window },
      (_, lane): Request =>
        () =>
          puts.put(`${putPrefix}${lane}`, value),
    );
    const contestants = [
      {
        name: "puts",
        measure: (timeMs: number) => measureRate(plain, load, timeMs, { cluster, signal }),
      },
      {
        name: "sessions",
        measure: (timeMs: number) => measureRate(writes, load, timeMs, { cluster, server, signal }),
      },
    ];
    const target = { kind: "at least", value: 1.5 } as const;
    const result = await compare(contestants, [{ of: "sessions", to: "puts", target }], settings, signal);
    await clients.checkCount();
    return result;
  };
}
