import { benchmarks } from "./benchmarks.js";

/** What `--help` prints. */
export const usage = `Measures what context sessions cost, with servers that it starts.

  --list                 print the benchmarks
  --only NAME            run this one; may be given several times (default: all)
  --quick                3 rounds of 50ms behind a warm-up of 100ms, for a first look
  --rounds N             rounds, in each of which all that is compared is measured (default 7)
  --time DURATION        how long each is measured in a round (default 250ms)
  --warmup DURATION      work of each before the first round (default 400ms)
  --json FILE            write the results there, too, as one JSON object

A DURATION is 500ms, 2s, 1m, or a number of milliseconds. Results go to stdout, all else to stderr.
Exit codes: 0 done, 1 failed, 2 wrong arguments.`;

/** What `--list` prints. */
export function listBenchmarks(): string {
  const width = Math.max(...benchmarks.map(({ name }) => name.length)) + 1;
  return benchmarks.map(({ name, description }) => `${`${name}:`.padEnd(width)}  ${description}`).join("\n");
}
