import { type ComparisonResult, compare, type RoundSettings } from "./comparison.js";
import { EchoClient, type Load } from "./echo-client.js";
import { type EchoServerInit, startEchoServer } from "./echo-server.js";
import { loggedBytes } from "./logged-bytes.js";
import { syncLoop } from "./sync-loop.js";
import { temporaryFolder } from "./temporary-folder.js";

/** How the benchmarks are run. */
export interface BenchmarkSettings extends RoundSettings {
  /** Connections that the sessions share. */
  readonly connections: number;
  /** Where the folder for the files is made. */
  readonly directory: string;
  /** Ends the benchmark, with all that belongs to it. */
  readonly signal: AbortSignal;
}

/** A benchmark that compares rates. */
export interface RateBenchmark {
  readonly name: string;
  readonly description: string;
  readonly run: (settings: BenchmarkSettings) => Promise<ComparisonResult>;
}

/** All that compare rates. */
export const rateBenchmarks: readonly RateBenchmark[] = [
  {
    name: "memory",
    description: "a session on a log in memory, window 16, against plain calls",
    run: compareMemory,
  },
  {
    name: "file1",
    description: "64 sessions on a log in files, window 1, against one fdatasync for each request",
    run: (settings) => compareFile(settings, { sessions: 64, window: 1 }, 4),
  },
  {
    name: "file16",
    description: "64 sessions on a log in files, window 16, against one fdatasync for each request",
    run: (settings) => compareFile(settings, { sessions: 64, window: 16 }, 8),
  },
];

/** A session for each connection, against as many plain calls. */
async function compareMemory(settings: BenchmarkSettings): Promise<ComparisonResult> {
  const load: Load = { sessions: settings.connections, window: 16 };
  await using server = await startEchoServer({ ...serverInit(settings), log: "memory" });
  await using client = await EchoClient.connect(server, settings.connections);
  const contestants = [client.plain("plain", load), await client.sessioned("sessioned", load)];
  const result = await compare(contestants, [{ of: "sessioned", to: "plain", atLeast: 0.7 }], settings);
  await client.checkCount();
  return result;
}

/** The file log with its group commit, against a disk that does nothing else, and against the same log without it. */
async function compareFile(
  settings: BenchmarkSettings,
  load: Load,
  atLeast: number,
): Promise<ComparisonResult> {
  await using folder = await temporaryFolder(settings.directory);
  using loop = syncLoop(folder.path, loggedBytes());
  const init = serverInit(settings, folder.path);
  await using server = await startEchoServer({ ...init, log: "file" });
  await using slowServer = await startEchoServer({ ...init, log: "fileSyncEach" });
  await using client = await EchoClient.connect(server, settings.connections);
  await using slowClient = await EchoClient.connect(slowServer, settings.connections);
  const contestants = [
    loop,
    await slowClient.sessioned("syncEachAppend", load),
    await client.sessioned("groupCommit", load),
  ];
  const ratios = [
    { of: "groupCommit", to: "syncLoop", atLeast },
    { of: "groupCommit", to: "syncEachAppend" },
  ];
  const result = await compare(contestants, ratios, settings);
  await Promise.all([client.checkCount(), slowClient.checkCount()]);
  return result;
}

function serverInit(
  { rounds, timeMs, warmupMs, signal }: BenchmarkSettings,
  directory = "",
): Omit<EchoServerInit, "log"> {
  // Far more than it takes: only a server whose benchmark forgot it lives so long.
  return { directory, lifeMs: 10 * (rounds * timeMs + warmupMs) + 120_000, signal };
}
