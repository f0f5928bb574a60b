import { Code } from "../../internal/errors/code.js";
import { invalidArgument, QuorateError } from "../../internal/errors/quorate-error.js";
import { outsideScopes, runInScope } from "../../internal/util/async-scope.js";
import { onAbort } from "../../internal/util/on-abort.js";
import type { ContextKey, ContextSession, ContextSessionOptions } from "./context-session.js";
import { OpenContextSession } from "./open-context-session.js";

/** The context session that goes along with the running work. */
export interface AmbientSession {
  /**
   * Runs `work` in a session, which ends when the work returns, throws, or what it returned is settled. Within a session
   * it joins that one, which goes on afterwards.
   *
   * What `work` starts and does not wait for is outside of any session once that has ended.
   *
   * @throws QuorateError InvalidArgument that names the option; what `work` throws.
   */
  begin<Result>(
    work: (session: ContextSession) => PromiseLike<Result>,
    options?: ContextSessionOptions,
  ): Promise<Result>;
  begin<Result>(work: (session: ContextSession) => Result, options?: ContextSessionOptions): Result;
  /**
   * Runs `work` in a session of its own that begins with what the current one knows, and gives nothing back; values are the
   * same objects, though. It may go on when that one has ended. Outside of any session it is as `begin`; within one, only its signal is another.
   *
   * @throws what `begin` throws.
   */
  fork<Result>(
    work: (session: ContextSession) => PromiseLike<Result>,
    options?: ContextSessionOptions,
  ): Promise<Result>;
  fork<Result>(work: (session: ContextSession) => Result, options?: ContextSessionOptions): Result;
  /** Runs `work` outside of any session, as work must that serves others as well. */
  leave<Result>(work: () => Result): Result;
  /** The session that this runs in; undefined outside of any, and once it has ended. */
  current(): ContextSession | undefined;
  /** The value of a key in the current session; undefined if there is none, and outside of any session. */
  get<Value>(key: ContextKey<Value>): Value | undefined;
  /**
   * Gives a key a value in the current session.
   * @throws QuorateError FailedPrecondition, `NO_CONTEXT_SESSION`; ResourceExhausted, `CONTEXT_VALUES_FULL`
   */
  set<Value>(key: ContextKey<Value>, value: Value): void;
  /**
   * The value of a key in the current session, which is made and kept if there is none. Outside of any session it is made,
   * and kept nowhere.
   * @throws QuorateError ResourceExhausted, `CONTEXT_VALUES_FULL`; what `make` throws.
   */
  getOrSet<Value>(key: ContextKey<Value>, make: () => Value): Value;
}

/** Groups calls that belong together, without handing anything around. */
export const contextSession: AmbientSession = {
  begin: <Result>(work: (session: ContextSession) => Result, options: ContextSessionOptions = {}) => {
    const joined = OpenContextSession.current();
    if (joined !== undefined) return settledOnce(work(joined));
    checkSignal(options.signal);
    return runWork(OpenContextSession.begin(options), work, options.signal);
  },
  fork: <Result>(work: (session: ContextSession) => Result, options: ContextSessionOptions = {}) => {
    checkSignal(options.signal);
    const forked = OpenContextSession.current()?.fork() ?? OpenContextSession.begin(options);
    return runWork(forked, work, options.signal);
  },
  leave: (work) => outsideScopes(work),
  current: () => OpenContextSession.current(),
  get: (key) => OpenContextSession.current()?.get(key),
  set: (key, value) => {
    const session = OpenContextSession.current();
    if (session === undefined) throw noSession(key.description);
    session.set(key, value);
  },
  getOrSet: (key, make) => {
    const session = OpenContextSession.current();
    return session === undefined ? make() : session.getOrSet(key, make);
  },
};

/** Runs work, and ends the session with it. Generic over what work returns, which a promise may stand for. */
function runWork<Result>(
  session: OpenContextSession,
  work: (session: ContextSession) => Result,
  signal: AbortSignal | undefined,
): Result {
  const stopListening = signal && onAbort(signal, () => session.end());
  const end = () => {
    stopListening?.();
    session.end();
  };
  if (signal?.aborted) end();
  let result: Result;
  try {
    result = runInScope(session, () => settledOnce(work(session)));
  } catch (error) {
    end();
    throw error;
  }
  // What is awaited is settled as it would have been, but for the end of the session before.
  if (result instanceof Promise) return result.finally(end) as Result;
  end();
  return result;
}

/** A query that is run by its `then` must be run here and now, and once. */
function settledOnce<Result>(result: Result): Result {
  const isObject = (typeof result === "object" && result !== null) || typeof result === "function";
  const isThenable = isObject && "then" in result && typeof result.then === "function";
  return isThenable ? (Promise.resolve(result) as Result) : result;
}

function checkSignal(signal: AbortSignal | undefined): void {
  if (signal === undefined || signal instanceof AbortSignal) return;
  throw invalidArgument("signal must be an AbortSignal");
}

function noSession(description: string): QuorateError {
  const message = `quorate: "${description}" cannot be set outside of a context session; begin one, with contextSession.begin()`;
  return new QuorateError(Code.FailedPrecondition, message, { reason: "NO_CONTEXT_SESSION" });
}
