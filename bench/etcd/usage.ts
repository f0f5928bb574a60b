import { benchmarks } from "./benchmarks.js";

/** What `--help` prints. */
export const usage = `Measures client sessions over etcd, on servers and an etcd cluster that it starts.

  --list                 print the benchmarks
  --only NAME            run this one; may be given several times (default: all)
  --quick                3 rounds of 300ms with as much warm-up, a short log, a small snapshot: for a first look
  --rounds N             rounds, in each of which all that is compared is measured (default 7)
  --time DURATION        how long each is measured in a round (default 1s)
  --warmup DURATION      work before the first round (default 1s)
  --members N            members of the etcd cluster, 1 or 3 (default 3)
  --rate N               requests in a second, for apply (default 200)
  --entries N            entries of the log that is read, for catchup (default 64000)
  --snapshot N           MiB of a snapshot (default 16)
  --json FILE            write the results there, too, as one JSON object

A DURATION is 500ms, 2s, 1m, or a number of milliseconds. Results go to stdout, all else to stderr.
Without an etcd on the PATH nothing is measured; with etcd in QUORATE_REQUIRE that is a failure.
Exit codes: 0 done or skipped, whatever the results are, 1 failed, 2 wrong arguments.`;

/** What `--list` prints. */
export function listBenchmarks(): string {
  const width = Math.max(...benchmarks.map(({ name }) => name.length)) + 1;
  return benchmarks.map(({ name, description }) => `${`${name}:`.padEnd(width)}  ${description}`).join("\n");
}
