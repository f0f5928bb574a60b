import { AsyncLocalStorage } from "node:async_hooks";

/**
 * A value goes along with work, through whatever the work awaits and starts: the scope that it runs in. `src/context` puts
 * its sessions there. All that serves more than one caller begins outside of any scope, with {@link outsideScopes}: else
 * what one caller left there would be found by another.
 *
 * As long as no scope is open nothing is stored and nothing looked up: in Node 20 a storage that is in use makes every
 * promise of the process dearer: a bare await four to five times.
 */
const storage = new AsyncLocalStorage<object | undefined>();

let open = 0;

/** Counts a scope as open; returns what counts it as closed. With the last one, the storage is let go of. */
export function openScope(): () => void {
  let counted = true;
  open += 1;
  return () => {
    if (!counted) return;
    counted = false;
    open -= 1;
    if (open === 0) storage.disable();
  };
}

/** Whether any scope is open in the process: without one, nobody is in a scope. */
export function anyScopeOpen(): boolean {
  return open > 0;
}

/** What the running work is in; also one that was closed meanwhile, as long as another is open. */
export function currentScope(): object | undefined {
  return open > 0 ? storage.getStore() : undefined;
}

/** Runs work in a scope. If no scope is open, that one is not either, and the storage must stay as it is: let go of. */
export function runInScope<Result>(scope: object, work: () => Result): Result {
  return open > 0 ? storage.run(scope, work) : work();
}

/** Runs work outside of any scope, as shared work and what serves others must. */
export function outsideScopes<Result, Args extends unknown[]>(
  work: (...args: Args) => Result,
  ...args: Args
): Result {
  return open > 0 ? storage.run(undefined, work, ...args) : work(...args);
}
