// The gateway at work: it fetches the same files twice from the same peers, once in context sessions and once without.
// Exit code 0 if every file was right in both runs, and if what the sessions learned saved requests.
//   --help tells of the flags
import { endOnSignal } from "../bank/demo/end-on-signal.js";
import { compareRuns } from "./demo/compare-runs.js";
import { describeComparison } from "./demo/describe-comparison.js";
import { planLoad } from "./demo/plan-load.js";
import { type DemoOptions, readOptions, usage } from "./demo/read-options.js";
import { runLoad } from "./demo/run-load.js";

const command = readOptions(process.argv.slice(2));
if (command.kind === "help") console.log(usage);
else await run(command);

async function run(options: DemoOptions): Promise<void> {
  const ending = new AbortController();
  const running = runBoth(options, ending.signal);
  const end = endOnSignal(async () => {
    ending.abort();
    await running;
  });
  try {
    const comparison = await running;
    const ok = comparison.problems.length === 0;
    const say = options.json ? console.error : console.log;
    for (const line of describeComparison(comparison)) say(line);
    if (options.json) console.log(JSON.stringify({ ok, ...comparison }));
    if (!ok) process.exitCode = 1;
  } catch (error) {
    // Whoever was told to end by a signal ends by it, and has no result.
    if (!end.begun) throw error;
  } finally {
    end.stop();
  }
}

async function runBoth(options: DemoOptions, signal: AbortSignal) {
  const plan = planLoad(options);
  // What the first run pays for code that is not compiled yet is not to the credit of the sessions.
  const sessions = await runLoad(plan, true, signal);
  return compareRuns(options, sessions, await runLoad(plan, false, signal));
}
