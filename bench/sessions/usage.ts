import { listedBenchmarks } from "./benchmark-names.js";

/** What `--help` prints. */
export const usage = `Measures client sessions, on servers that it starts.

  --list                 print the benchmarks
  --only NAME            run this one; may be given several times (default: all)
  --quick                3 rounds of 300ms with as much warm-up, for a first look
  --rounds N             rounds, in each of which all that is compared is measured (default 7)
  --time DURATION        how long each is measured in a round (default 1s)
  --warmup DURATION      work before the first round (default 1s)
  --connections N        connections that the sessions share (default 1)
  --sessions N           sessions of the largest table, and of the one that is weighed (default 100000)
  --directory PATH       where files are written; the disk is part of the result (default: the folder for temporary files)
  --json FILE            write the results there, too, as one JSON object

A DURATION is 500ms, 2s, 1m, or a number of milliseconds. Results go to stdout, all else to stderr.
Exit codes: 0 done, whatever the results are, 1 failed, 2 wrong arguments.`;

/** What `--list` prints. */
export function listBenchmarks(): string {
  const width = Math.max(...listedBenchmarks.map(({ name }) => name.length)) + 1;
  return listedBenchmarks
    .map(({ name, description }) => `${`${name}:`.padEnd(width)}  ${description}`)
    .join("\n");
}
