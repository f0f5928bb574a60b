import { setTimeout as pause } from "node:timers/promises";
import { spreadOf } from "../shared/spread.js";
import { startCluster } from "./bench-cluster.js";
import { type BenchmarkSettings, lifeMs } from "./benchmark-settings.js";
import { type ComparisonResult, compare, type Measured } from "./comparison.js";
import { delaysOf, type EventTime } from "./event-times.js";
import { runPaced } from "./run-paced.js";
import { ValueClients } from "./value-clients.js";
import { startValueServer, type ValueServer } from "./value-server.js";

/**
 * How long it takes from the append at one server until another one has applied the entry, against the time from a put
 * of one of these processes until the other one is told of it by a watch.
 */
export async function applyTimes(settings: BenchmarkSettings): Promise<ComparisonResult> {
  const { members, rate, signal } = settings;
  await using cluster = await startCluster(members);
  const init = { endpoint: cluster.endpoint, notesTimes: true, lifeMs: lifeMs(settings) };
  await using writer = await startValueServer(init, signal);
  await using reader = await startValueServer(init, signal);
  await using clients = await ValueClients.connect(writer, sessions);
  const writes = clients.writes(new Uint8Array(valueBytes).fill(0x5a));
  const measure = async (timeMs: number, request: (turn: number) => Promise<unknown>): Promise<Measured> => {
    await Promise.all([writer.ask("times"), reader.ask("times")]);
    const requests = await runPaced(rate, timeMs, request, AbortSignal.any([signal, writer.gone]));
    const delays = await delaysBetween(writer, reader, requests);
    return { value: spreadOf(delays).median };
  };
  const contestants = [
    {
      name: "put to watch",
      measure: (timeMs: number) => measure(timeMs, () => writer.ask("put", valueBytes)),
    },
    {
      name: "append to apply",
      measure: (timeMs: number) => measure(timeMs, async (turn) => writes[turn % sessions]?.()),
    },
  ];
  const target = { kind: "below", value: 3 } as const;
  return await compare(
    contestants,
    [{ of: "append to apply", to: "put to watch", target }],
    settings,
    signal,
  );
}

/** The delays of all, once the reader has seen the last of them. */
async function delaysBetween(writer: ValueServer, reader: ValueServer, requests: number): Promise<number[]> {
  const { begun } = await writer.ask("times");
  const seen: EventTime[] = [];
  for (let tries = 0; tries < maxTries; tries++) {
    seen.push(...(await reader.ask("times")).seen);
    const delays = delaysOf({ begun }, { seen });
    if (delays.length >= requests) return delays;
    await pause(triesEveryMs);
  }
  throw new Error(`of ${requests} entries, ${seen.length} came to the other server`);
}

/** As many as can be under way at once. */
const sessions = 16;
const valueBytes = 100;
const triesEveryMs = 20;
const maxTries = 500;
