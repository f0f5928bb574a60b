import { abortError, type QuorateError } from "../../../internal/errors/quorate-error.js";
import type { Backoff } from "../../../internal/stream/backoff.js";
import { type CancelDeadline, deadlineAfter, scheduleDeadline } from "../../../internal/util/deadlines.js";
import { onAbort } from "../../../internal/util/on-abort.js";
import type { PeerNode } from "../../configuration/peer-node.js";
import type { DialledStream } from "./dialled-streams.js";
import type { ServerChoice } from "./server-choice.js";

/** What came of asking one server. */
export type ServerAttempt<Result> =
  | { readonly kind: "done"; readonly result: Result }
  /** Another try may mend it, there or at another server. */
  | { readonly kind: "failed"; readonly error: QuorateError };

/** What servers are asked, and which of them first. */
export interface ServerTries<Result> {
  readonly servers: ServerChoice;
  readonly backoff: Backoff;
  /** Ends the tries. */
  readonly signal: AbortSignal;
  /** Asked before all others, if it is up. */
  readonly first?: DialledStream | undefined;
  /** Asked behind all others. */
  readonly last?: PeerNode | undefined;
  /** Told of each failure, behind which another try comes. */
  readonly failed: (error: QuorateError) => void;
  /** Asks one server. What it throws ends the tries. */
  attempt(stream: DialledStream): Promise<ServerAttempt<Result>>;
}

/**
 * Asks one server after another until one has done it: those that are connected, each once, then, after a wait, all
 * again. While none is connected it waits for the first to be.
 *
 * Rejects with what `attempt` throws, with the reason of the signal, and once the connection is closed.
 */
export async function tryServers<Result>(tries: ServerTries<Result>): Promise<Result> {
  const { servers, backoff, signal, first, last } = tries;
  let tried = new Set<DialledStream>();
  let next = first?.connection.closed.aborted === false ? first : undefined;
  let until: number | undefined;
  for (;;) {
    if (signal.aborted) throw abortError(signal.reason);
    if (servers.closed !== undefined) throw servers.closed;
    const connected = servers.connected();
    const untried = connected.filter((stream) => !tried.has(stream));
    const stream = next ?? untried.find(({ node }) => node !== last) ?? untried[0];
    next = undefined;
    if (stream !== undefined) {
      tried.add(stream);
      const outcome = await tries.attempt(stream);
      if (outcome.kind === "done") return outcome.result;
      tries.failed(outcome.error);
      continue;
    }
    // With none connected there is nothing to wait for but a stream; what was tried before says nothing about it.
    until = connected.length === 0 ? undefined : (until ?? deadlineAfter(backoff.next()));
    const expired = await changeOrDeadline(servers, until, signal);
    if (expired) {
      tried = new Set();
      until = undefined;
    }
  }
}

/** Whether the deadline passed; else a stream came up, or the signal ended. */
function changeOrDeadline(
  servers: ServerChoice,
  deadline: number | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  return new Promise((resolve) => {
    const stops: (CancelDeadline | (() => void))[] = [];
    const end = (expired: boolean) => {
      for (const stop of stops) stop();
      resolve(expired);
    };
    stops.push(servers.listen(() => end(false)));
    stops.push(onAbort(signal, () => end(false)));
    if (deadline !== undefined) stops.push(scheduleDeadline(deadline, () => end(true)));
  });
}
