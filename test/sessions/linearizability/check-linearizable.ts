/** One call of a client, as the client saw it. */
export interface Operation<Input, Output> {
  /** Names the caller in explanations. A client may have several operations under way. */
  readonly client: string;
  /** The operations of one key are checked against the model apart from all others. */
  readonly key: string;
  /** When it was called, on any clock that all operations share. */
  readonly called: number;
  /** When it returned. Infinity: nobody knows its outcome, so it takes effect at any later time or never. */
  readonly returned: number;
  readonly input: Input;
  /** What it returned with. Undefined where that is not known: the model must allow any. */
  readonly output: Output | undefined;
}

/** What the object would do if there were one client alone. */
export interface SequentialModel<Input, Output> {
  /** Of every key. Two states are the same if their texts are. */
  readonly initial: string;
  /** The state after the operation, or undefined if it cannot have this output in this state. */
  step(state: string, input: Input, output: Output | undefined): string | undefined;
}

/** Why a history is not linearizable. */
export interface Violation<Input, Output> {
  readonly key: string;
  /** The longest order of operations, the first ones of the history, that the model allows. */
  readonly order: readonly Operation<Input, Output>[];
  /** The state after them. */
  readonly state: string;
  /** What may come next, of which nothing fits: first the one that returned next. */
  readonly stuck: readonly Operation<Input, Output>[];
}

/** Whether some order of the operations is the one in which they took effect. */
export type Verdict<Input, Output> =
  | { readonly ok: true }
  | { readonly ok: false; readonly violation: Violation<Input, Output> };

/**
 * Searches, key by key, an order of the operations that the model allows and in which none comes before one that had
 * returned before it was called. Operations that touch in time count as concurrent.
 *
 * The search is the one of Wing and Gong, "Testing and verifying concurrent objects" (1993), with the memory of Lowe,
 * "Testing for linearizability" (2017): what was reached once, a set of operations with the state after them, is not
 * searched again. Linearizability is local, so keys can be checked apart (Herlihy and Wing, 1990).
 *
 * @throws Error if an operation returned before it was called, or if the search takes more than `maxSteps`.
 */
export function checkLinearizable<Input, Output>(
  model: SequentialModel<Input, Output>,
  history: readonly Operation<Input, Output>[],
  maxSteps = 5_000_000,
): Verdict<Input, Output> {
  const keys = new Map<string, Operation<Input, Output>[]>();
  for (const operation of history) {
    if (!(operation.called <= operation.returned)) throw new Error("an operation returned before its call");
    const sameKey = keys.get(operation.key);
    if (sameKey === undefined) keys.set(operation.key, [operation]);
    else sameKey.push(operation);
  }
  for (const [key, operations] of keys) {
    const violation = search(model, key, operations, maxSteps);
    if (violation !== undefined) return { ok: false, violation };
  }
  return { ok: true };
}

/** Why the operations of one key are in no order; undefined if they are. */
function search<Input, Output>(
  model: SequentialModel<Input, Output>,
  key: string,
  operations: readonly Operation<Input, Output>[],
  maxSteps: number,
): Violation<Input, Output> | undefined {
  // What returned first is tried first, and last what nobody knows the outcome of: it is seldom needed.
  const tried = operations.toSorted((a, b) => order(a.returned, b.returned) || order(a.called, b.called));
  const isOrdered = tried.map(() => false);
  const path: Operation<Input, Output>[] = [];
  const reached = new Set<string>();
  let furthest: Violation<Input, Output> = { key, order: [], state: model.initial, stuck: [] };
  let fewestLeft = Number.POSITIVE_INFINITY;
  let steps = 0;

  /** Whether the rest can come behind what is ordered, which is `ordered` as a set. */
  const canGoOn = (state: string, ordered: bigint): boolean => {
    const left = tried.filter((_, at) => isOrdered[at] === false);
    const [next] = left;
    if (next === undefined || next.returned === Number.POSITIVE_INFINITY) return true;
    for (const [at, operation] of tried.entries()) {
      // What was called when another one had returned cannot come before it.
      if (isOrdered[at] === true || operation.called > next.returned) continue;
      steps += 1;
      if (steps > maxSteps) throw new Error(`the history of ${key} is not decided after ${maxSteps} steps`);
      const after = model.step(state, operation.input, operation.output);
      const set = ordered | (1n << BigInt(at));
      if (after === undefined || !isNew(reached, set, after)) continue;
      isOrdered[at] = true;
      path.push(operation);
      if (canGoOn(after, set)) return true;
      path.pop();
      isOrdered[at] = false;
    }
    const certainLeft = left.filter(({ returned }) => returned < Number.POSITIVE_INFINITY).length;
    const isShorter = certainLeft === fewestLeft && path.length < furthest.order.length;
    if (certainLeft < fewestLeft || isShorter) {
      fewestLeft = certainLeft;
      const stuck = left.filter(({ called }) => called <= next.returned);
      furthest = { key, order: [...path], state, stuck };
    }
    return false;
  };
  return canGoOn(model.initial, 0n) ? undefined : furthest;
}

function isNew(reached: Set<string>, ordered: bigint, state: string): boolean {
  const { size } = reached;
  return reached.add(`${ordered.toString(36)} ${state}`).size > size;
}

/** Of two times; Infinity is one. */
function order(a: number, b: number): number {
  return a === b ? 0 : a - b;
}
