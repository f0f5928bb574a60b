/**
 * Calls `aborted` once when the signal ends; returns what stops the listening. A signal that has ended already is not
 * told.
 *
 * All who listen to one signal share one event listener: a signal may well stand for thousands of calls, and Node
 * warns of a leak at the eleventh listener.
 */
export function onAbort(signal: AbortSignal, aborted: (reason: unknown) => void): () => void {
  const shared = listenersOf.get(signal) ?? share(signal);
  // An object of its own, so that one function may be given twice.
  const listener = { aborted };
  shared.add(listener);
  return () => shared.remove(listener);
}

interface Listener {
  readonly aborted: (reason: unknown) => void;
}

interface SharedListener {
  add(listener: Listener): void;
  remove(listener: Listener): void;
}

const listenersOf = new WeakMap<AbortSignal, SharedListener>();

function share(signal: AbortSignal): SharedListener {
  const listeners = new Set<Listener>();
  const tell = () => {
    // A Set is iterated live: whoever stops listening meanwhile is not told.
    for (const listener of listeners) {
      listeners.delete(listener);
      listener.aborted(signal.reason);
    }
  };
  const shared: SharedListener = {
    add: (listener) => {
      if (listeners.size === 0) signal.addEventListener("abort", tell, { once: true });
      listeners.add(listener);
    },
    remove: (listener) => {
      if (listeners.delete(listener) && listeners.size === 0) signal.removeEventListener("abort", tell);
    },
  };
  listenersOf.set(signal, shared);
  return shared;
}
