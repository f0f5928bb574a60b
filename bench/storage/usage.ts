import { benchmarks } from "./benchmarks.js";

/** What `--help` prints. */
export const usage = `Measures quorum calls and multicasts of the library, on servers that it starts or on those of --remotes.

  --list                 print the benchmarks
  --benchmarks REGEXP    run those whose names match (default: all)
  --time DURATION        how long each is measured (default 1s)
  --warmup DURATION      calls before that (default 100ms)
  --config-size N        nodes of the configuration; below 1, all of --remotes (default 4)
  --quorum-size N        replies that a quorum call waits for; below 1, a majority (default 0)
  --payload BYTES        payload of each message (default 0)
  --concurrent N         calls under way at the same time (default 1)
  --max-async N          the same for AsyncQuorumCall (default 1000)
  --send-buffer N        calls that may wait to be sent to a node; 0: as the library has it (default 0)
  --recv-buffer N        requests that may wait at a server; 0: as the library has it (default 0)
  --remotes A,B,C        use these servers
  --server-stats         show the memory use of each server
  --json                 print one JSON object
  --server ADDRESS       be a server there, until SIGINT or SIGTERM; takes --recv-buffer

A DURATION is 500ms, 2s, 1m, or a number of milliseconds. Results go to stdout, all else to stderr.
Exit codes: 0 done, 1 failed, 2 wrong arguments.`;

/** What `--list` prints. */
export function listBenchmarks(): string {
  const width = Math.max(...benchmarks.map(({ name }) => name.length)) + 1;
  return benchmarks.map(({ name, description }) => `${`${name}:`.padEnd(width)}  ${description}`).join("\n");
}
