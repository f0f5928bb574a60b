import { parseArgs } from "node:util";
import { wholeNumber } from "../demo/whole-number.js";
import type { ClusterPlanOptions } from "./cluster-plan.js";

/** What a run of the demo of the cluster is to be. */
export interface ClusterOptions extends ClusterPlanOptions {
  /** Prints the outcome as one JSON object to stdout, and all else to stderr. */
  readonly json: boolean;
  /** Whether the clients have sessions. Without them, transfers are made more than once, and the run fails. */
  readonly sessions: boolean;
  /** How long a server is stopped. */
  readonly pauseMs: number;
}

/** What the demo was asked to do. */
export type ClusterCommand = { readonly kind: "help" } | ({ readonly kind: "run" } & ClusterOptions);

/** What `--help` prints. */
export const usage = `Three servers of a bank on an etcd of three members. Six clients transfer money while servers are
killed and stopped, and while etcd loses its leader; then all transfers are counted.

  --seed N             other faults, in another order (default 1)
  --kills N            servers that are killed with SIGKILL, each once before one is killed again (default 3)
  --leader-kills N     times that the leader of etcd is killed (default 2)
  --pauses N           servers that are stopped with SIGSTOP and go on later (default 1)
  --pause-ms N         how long those are stopped, in milliseconds (default 5000)
  --without-sessions   the clients just ask again when there is no answer: the run fails
  --json               print the outcome as one JSON object to stdout, all else to stderr

Exit codes: 0 each transfer was applied exactly once, and all servers agree, or there is no etcd on the PATH;
1 otherwise, for wrong arguments, and without etcd if QUORATE_REQUIRE has it.`;

/** Reads the flags. Throws for those that there are not, and for numbers that are none. */
export function readClusterOptions(args: readonly string[]): ClusterCommand {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      seed: { type: "string", default: "1" },
      kills: { type: "string", default: "3" },
      "leader-kills": { type: "string", default: "2" },
      pauses: { type: "string", default: "1" },
      "pause-ms": { type: "string", default: "5000" },
      "without-sessions": { type: "boolean", default: false },
    },
  });
  if (values.help) return { kind: "help" };
  return {
    kind: "run",
    json: values.json,
    seed: wholeNumber("seed", values.seed, 0),
    // Without one, nothing forces a request to come twice.
    kills: wholeNumber("kills", values.kills, 1),
    leaderKills: wholeNumber("leader-kills", values["leader-kills"], 0),
    pauses: wholeNumber("pauses", values.pauses, 0),
    // It has to be longer than it takes until it is noticed.
    pauseMs: wholeNumber("pause-ms", values["pause-ms"], 1_000),
    sessions: !values["without-sessions"],
  };
}
