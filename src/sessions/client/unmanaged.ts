import type { Message } from "@bufbuild/protobuf";
import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import { Backoff, type BackoffOptions } from "../../../internal/stream/backoff.js";
import { outsideScopes } from "../../../internal/util/async-scope.js";
import { deadlineAfter, monotonicMs } from "../../../internal/util/deadlines.js";
import { callRpcAt, type RpcTarget, type TargetedCall } from "../../calls/call-target.js";
import type { RawReply } from "../../calls/raw-call.js";
import type { Configuration } from "../../configuration/configuration.js";
import type { Node } from "../../configuration/node.js";
import { byLatency } from "../../configuration/node-order.js";
import { NodeSet, peerNodeOf } from "../../configuration/node-set.js";
import type { PeerNode } from "../../configuration/peer-node.js";
import { checkBackoff, interval } from "../../server/peer-options.js";
import { readOp } from "../stamp.js";
import { askServer } from "./ask-server.js";
import type { DialledStream } from "./dialled-streams.js";
import { Login } from "./login.js";
import { ServerChoice } from "./server-choice.js";
import type { OpenSessionOptions } from "./session.js";
import { SessionCall } from "./session-call.js";
import { type ServerAttempt, tryServers } from "./try-servers.js";
import { logIn } from "./unregister-session.js";

/** The options of {@link unmanaged}; they are those of `openSession`. */
export type UnmanagedOptions = Pick<
  OpenSessionOptions,
  "credentials" | "allowInsecureCredentials" | "prefer" | "backoff" | "tryTimeoutMs"
>;

/** What `createClient` calls without a session. */
export type UnmanagedTarget = RpcTarget;

/**
 * Calls of services with sessions, and of others, without a session: at least once. Each goes to the preferred server
 * that is connected; it logs in where that is asked for, and goes to the others, and again, while it is answered with
 * Unavailable or ResourceExhausted, or not at all, until its deadline. So it may be applied any number of times: for
 * requests for which that is as good as once, and for reads.
 *
 * @throws QuorateError InvalidArgument; FailedPrecondition: `NO_BACK_CHANNEL` without `sessionClient()` among the
 * extensions of the connection, `EMPTY_CONFIGURATION`.
 */
export function unmanaged(target: Node | Configuration, options: UnmanagedOptions = {}): UnmanagedTarget {
  const { credentials, allowInsecureCredentials, prefer = byLatency } = options;
  const tryTimeoutMs = interval("tryTimeoutMs", options.tryTimeoutMs, 10_000);
  const configuration = target instanceof NodeSet ? target : new NodeSet([peerNodeOf(target)]);
  const servers = new ServerChoice(configuration, prefer);
  const login = new Login({ credentials, allowInsecureCredentials, tryTimeoutMs });
  const calls = new UnmanagedCalls({
    servers,
    login,
    tryTimeoutMs,
    backoff: checkBackoff(options.backoff ?? {}),
  });
  return { [callRpcAt]: (call) => calls.call(call) };
}

interface UnmanagedInit {
  readonly servers: ServerChoice;
  readonly login: Login;
  readonly backoff: BackoffOptions;
  readonly tryTimeoutMs: number;
}

type Failed = Extract<ServerAttempt<never>, { readonly kind: "failed" }>;

class UnmanagedCalls {
  readonly #init: UnmanagedInit;
  /** Under way: calls that come to a stream at once log in once. */
  readonly #logins = new Map<DialledStream, Promise<Failed | undefined>>();

  constructor(init: UnmanagedInit) {
    this.#init = init;
  }

  call(call: TargetedCall): Promise<Message> {
    return new Promise((resolve, reject) => {
      try {
        const over = new AbortController();
        const node = this.#preferred();
        const made = new SessionCall(call, node, { resolve, reject, left: () => over.abort() });
        if (made.begin()) void this.#run(made, over.signal);
      } catch (thrown) {
        reject(QuorateError.from(thrown));
      }
    });
  }

  async #run(call: SessionCall, signal: AbortSignal): Promise<void> {
    const { servers, backoff } = this.#init;
    const deadline = deadlineAfter(call.timeoutMs);
    try {
      await tryServers<true>({
        servers,
        signal,
        backoff: new Backoff(backoff),
        failed: (error) => {
          call.lastFailure = error;
        },
        attempt: (stream) => this.#ask(call, stream, deadline, true),
      });
    } catch (error) {
      call.failed(QuorateError.from(error));
    }
  }

  async #ask(
    call: SessionCall,
    stream: DialledStream,
    deadline: number,
    mayLogIn: boolean,
  ): Promise<ServerAttempt<true>> {
    const { method, payload, metadata } = call;
    const timeoutMs = Math.max(0, deadline - monotonicMs());
    const answer = await askServer(stream, { method, payload, metadata, timeoutMs });
    if (answer.kind === "none") {
      if (answer.error.reason === "MESSAGE_TOO_LARGE") throw answer.error;
      return { kind: "failed", error: answer.error };
    }
    const { reply } = answer;
    if (mayLogIn && reply.error?.reason === "NOT_AUTHENTICATED" && readOp(reply.metadata) === undefined) {
      return (await this.#logIn(stream)) ?? this.#ask(call, stream, deadline, false);
    }
    const refusal = transientRefusal(reply);
    if (refusal !== undefined) return { kind: "failed", error: refusal };
    call.answered(reply, stream.node);
    return { kind: "done", result: true };
  }

  #logIn(stream: DialledStream): Promise<Failed | undefined> {
    const { login, tryTimeoutMs } = this.#init;
    const underWay = this.#logins.get(stream);
    if (underWay !== undefined) return underWay;
    // For all who wait: one that leaves does not end it.
    const never = new AbortController().signal;
    const run = outsideScopes(() => logIn(login, stream, tryTimeoutMs, never));
    const begun = run.finally(() => this.#logins.delete(stream));
    this.#logins.set(stream, begun);
    return begun;
  }

  #preferred(): PeerNode {
    const { servers } = this.#init;
    const node = servers.connected()[0]?.node ?? servers.nodes[0];
    if (node === undefined) throw new QuorateError(Code.FailedPrecondition, "quorate: there is no server");
    return node;
  }
}

/** What an answer with an op says is said for good. */
function transientRefusal({ error, metadata }: RawReply): QuorateError | undefined {
  if (error === undefined || readOp(metadata) !== undefined) return undefined;
  const isTransient = error.code === Code.Unavailable || error.code === Code.ResourceExhausted;
  return isTransient && !sizeReasons.has(error.reason ?? "") ? error : undefined;
}

const sizeReasons: ReadonlySet<string> = new Set([
  "MESSAGE_TOO_LARGE",
  "REPLY_TOO_LARGE",
  "REQUEST_TOO_LARGE",
]);
