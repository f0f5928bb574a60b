import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import type { NodeResponse } from "../configuration/node-response.js";
import { checkLevel } from "./response-sequence.js";

/** A correctable at one moment. */
export interface CorrectableState<Value> {
  /** Replies so far, of any node; 0 before the first. */
  readonly level: number;
  /** The value of this level; undefined before the first reply. */
  readonly value: Value | undefined;
  /** Whether nothing gets better any more: the target is reached, or nothing more comes. */
  readonly done: boolean;
  /** Why the target was not reached; a QuorumCallError with what came of the nodes. */
  readonly error: QuorateError | undefined;
}

/**
 * A value that gets better with every reply of a quorum call, for callers that can go on with a good value before
 * they have the best (Guerraoui, Pavlovic and Seredinschi, OSDI 2016).
 *
 * It goes on when its target is out of reach, because its value still gets better, and fails when nothing more comes.
 * Iterated, it yields its states, the latest one only if the loop is slow, and ends when it is done; that its target
 * was not reached is thrown at the end.
 */
export interface Correctable<Value> extends CorrectableState<Value>, AsyncIterable<CorrectableState<Value>> {
  /**
   * Resolves once `level` replies are here, or with the last state once it is done, whichever is first. Never rejects.
   * @throws QuorateError InvalidArgument unless `level` is an integer from 1 on
   */
  watch(level: number): Promise<CorrectableState<Value>>;
  /** The value at the target level. Rejects with the error if it is not reached. */
  result(): Promise<Value>;
}

/** What a correctable is fed by. */
export interface CorrectableSource<Reply> extends AsyncIterable<NodeResponse<Reply>> {
  /** Why this many replies will not come; undefined as long as they may, or are here. */
  outOfReach(count: number): QuorateError | undefined;
}

/** Makes a correctable that is done at `target` replies, and leaves the source then. */
export function createCorrectable<Reply, Value>(
  source: CorrectableSource<Reply>,
  target: number,
  combine: ((replies: readonly Reply[]) => Value) | undefined,
): Correctable<Value> {
  checkLevel(target, "the target level of a correctable");
  // Without `combine`, the overloads of `correctable` say that the value is a reply.
  const improve = combine ?? ((replies: readonly Reply[]) => replies.at(-1) as Value);
  return new CorrectableCall(source, target, improve);
}

class CorrectableCall<Reply, Value> implements Correctable<Value> {
  level = 0;
  value: Value | undefined;
  done = false;
  error: QuorateError | undefined;
  /** The latest reply of each node, the newest last. */
  readonly #latest = new Map<number, Reply>();
  readonly #combine: (replies: readonly Reply[]) => Value;
  readonly #watchers = new Set<{ readonly level: number; readonly reached: () => void }>();

  constructor(
    source: CorrectableSource<Reply>,
    target: number,
    combine: (replies: readonly Reply[]) => Value,
  ) {
    this.#combine = combine;
    void this.#follow(source, target);
  }

  watch(level: number): Promise<CorrectableState<Value>> {
    checkLevel(level, "the level to watch for");
    return new Promise((resolve) => {
      const watcher = { level, reached: () => resolve(this.#state()) };
      this.#watchers.add(watcher);
      this.#release();
    });
  }

  async result(): Promise<Value> {
    await this.watch(Number.MAX_SAFE_INTEGER);
    if (this.error !== undefined) throw this.error;
    // Done without an error: there were replies, at least one.
    return this.value as Value;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<CorrectableState<Value>, void, undefined> {
    let seen = 0;
    while (true) {
      if (this.level > seen) {
        seen = this.level;
        yield this.#state();
      } else if (!this.done) {
        await this.watch(seen + 1);
      } else {
        if (this.error !== undefined) throw this.error;
        return;
      }
    }
  }

  async #follow(source: CorrectableSource<Reply>, target: number): Promise<void> {
    try {
      for await (const response of source) {
        if (response.ok) this.#improve(response.node.id, response.value);
        if (this.level >= target) break;
        this.#release();
      }
      if (this.level < target) throw source.outOfReach(target) ?? ended(this.level, target);
    } catch (thrown) {
      this.error = QuorateError.from(thrown);
    }
    this.done = true;
    this.#release();
  }

  #improve(node: number, reply: Reply): void {
    this.#latest.delete(node);
    this.#latest.set(node, reply);
    this.value = this.#combine([...this.#latest.values()]);
    this.level += 1;
  }

  #release(): void {
    for (const watcher of [...this.#watchers]) {
      if (!this.done && this.level < watcher.level) continue;
      this.#watchers.delete(watcher);
      watcher.reached();
    }
  }

  #state(): CorrectableState<Value> {
    const { level, value, done, error } = this;
    return { level, value, done, error };
  }
}

function ended(level: number, target: number): QuorateError {
  const message = `quorate: the replies ended at level ${level} of ${target}`;
  return new QuorateError(Code.Unavailable, message, { reason: "INCOMPLETE" });
}
