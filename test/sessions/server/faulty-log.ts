import type {
  CommitLog,
  LogEntry,
  LogSnapshot,
  LogWaitOptions,
} from "../../../src/sessions/commit-log/commit-log.js";

/** What a log does in place of what it would do; `real` is that. */
export interface LogFaults {
  genesis?: ((real: () => Promise<Uint8Array>) => Promise<Uint8Array>) | undefined;
  append?: ((real: () => Promise<number>, entry: Uint8Array) => Promise<number>) | undefined;
  tail?: ((real: () => Promise<number>, options?: LogWaitOptions) => Promise<number>) | undefined;
  entries?:
    | ((real: AsyncIterable<LogEntry>, from: number, signal?: AbortSignal) => AsyncIterable<LogEntry>)
    | undefined;
  saveSnapshot?: ((real: () => Promise<boolean>, op: number) => Promise<boolean>) | undefined;
  loadSnapshot?:
    | ((real: () => Promise<LogSnapshot | undefined>) => Promise<LogSnapshot | undefined>)
    | undefined;
}

/** A handle on a log that fails as a test says; the faults may be changed at any time. */
export class FaultyLog implements CommitLog {
  readonly faults: LogFaults;
  readonly real: CommitLog;

  constructor(real: CommitLog, faults: LogFaults = {}) {
    this.real = real;
    this.faults = faults;
  }

  get maxEntryBytes(): number {
    return this.real.maxEntryBytes;
  }

  genesis(proposal: Uint8Array): Promise<Uint8Array> {
    const real = () => this.real.genesis(proposal);
    return this.faults.genesis?.(real) ?? real();
  }

  append(entry: Uint8Array): Promise<number> {
    const real = () => this.real.append(entry);
    return this.faults.append?.(real, entry) ?? real();
  }

  tail(options?: LogWaitOptions): Promise<number> {
    const real = () => this.real.tail(options);
    return this.faults.tail?.(real, options) ?? real();
  }

  entries(from: number, options?: LogWaitOptions): AsyncIterable<LogEntry> {
    const real = this.real.entries(from, options);
    return this.faults.entries?.(real, from, options?.signal) ?? real;
  }

  saveSnapshot(op: number, bytes: Uint8Array): Promise<boolean> {
    const real = () => this.real.saveSnapshot(op, bytes);
    return this.faults.saveSnapshot?.(real, op) ?? real();
  }

  loadSnapshot(): Promise<LogSnapshot | undefined> {
    const real = () => this.real.loadSnapshot();
    return this.faults.loadSnapshot?.(real) ?? real();
  }

  close(): Promise<void> {
    return this.real.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Something to wait for, which the test lets happen. */
export interface Gate<T> {
  readonly promise: Promise<T>;
  readonly open: (value: T) => void;
  readonly fail: (error: unknown) => void;
}

export function newGate<T = void>(): Gate<T> {
  let open: (value: T) => void = () => {};
  let fail: (error: unknown) => void = () => {};
  const promise = new Promise<T>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  return { promise, open, fail };
}

/** A reader that waits before each entry for what the gate of that moment says; ends with its signal, as it must. */
export function slowed(gate: () => Promise<unknown>): NonNullable<LogFaults["entries"]> {
  return async function* wait(real, _from, signal) {
    const ended = new Promise<void>((resolve) => {
      signal?.addEventListener("abort", () => resolve(), { once: true });
    });
    for await (const entry of real) {
      await Promise.race([gate(), ended]);
      if (signal?.aborted) return;
      yield entry;
    }
  };
}
