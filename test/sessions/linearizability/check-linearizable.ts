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
  /** What was under way then, of which none fits: first the one that returned next. */
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

/** A call or a return, in a list in the order of time, from which what was ordered is taken out. */
interface Moment<Input, Output> {
  readonly operation: Operation<Input, Output>;
  readonly bit: bigint;
  /** Of a call that returned. */
  readonly end: Moment<Input, Output> | undefined;
  readonly isCall: boolean;
  readonly at: number;
  previous: Moment<Input, Output> | undefined;
  next: Moment<Input, Output> | undefined;
}

interface Choice<Input, Output> {
  readonly call: Moment<Input, Output>;
  /** The state before it. */
  readonly state: string;
}

function search<Input, Output>(
  model: SequentialModel<Input, Output>,
  key: string,
  operations: readonly Operation<Input, Output>[],
  maxSteps: number,
): Violation<Input, Output> | undefined {
  const head = inOrderOfTime(operations);
  let open = operations.filter(({ returned }) => returned < Number.POSITIVE_INFINITY).length;
  let fewest = open + 1;
  let furthest: Violation<Input, Output> = { key, order: [], state: model.initial, stuck: [] };
  const reached = new Set<string>();
  const path: Choice<Input, Output>[] = [];
  let state = model.initial;
  let ordered = 0n;
  let moment = head.next;
  for (let steps = 0; open > 0; steps++) {
    if (steps === maxSteps) throw new Error(`the history of ${key} is not decided after ${maxSteps} steps`);
    if (moment?.isCall) {
      const after = model.step(state, moment.operation.input, moment.operation.output);
      if (after === undefined || !isNew(reached, ordered | moment.bit, after)) {
        moment = moment.next;
        continue;
      }
      path.push({ call: moment, state });
      state = after;
      ordered |= moment.bit;
      open -= takeOut(moment);
      moment = head.next;
      continue;
    }
    // Nothing that was called before this return fits, and after it nothing may come first.
    const isFurther = open < fewest || (open === fewest && path.length < furthest.order.length);
    if (isFurther && moment !== undefined) {
      fewest = open;
      furthest = { key, order: path.map(({ call }) => call.operation), state, stuck: underWay(head, moment) };
    }
    const last = path.pop();
    if (last === undefined) return furthest;
    state = last.state;
    ordered ^= last.call.bit;
    open += putBack(last.call);
    moment = last.call.next;
  }
  return undefined;
}

function isNew(reached: Set<string>, ordered: bigint, state: string): boolean {
  const size = reached.size;
  return reached.add(`${ordered.toString(36)} ${state}`).size > size;
}

/** The list of all calls and returns; answers with what stands before the first. */
function inOrderOfTime<Input, Output>(
  operations: readonly Operation<Input, Output>[],
): Pick<Moment<Input, Output>, "next"> {
  const moments = operations.flatMap((operation, index) => {
    const { called, returned } = operation;
    const common = { operation, bit: 1n << BigInt(index), previous: undefined, next: undefined };
    const end =
      returned === Number.POSITIVE_INFINITY
        ? undefined
        : { ...common, end: undefined, isCall: false, at: returned };
    const call = { ...common, end, isCall: true, at: called };
    return end === undefined ? [call] : [call, end];
  });
  // Calls before returns: what touches is concurrent.
  moments.sort((a, b) => a.at - b.at || Number(b.isCall) - Number(a.isCall));
  return link(moments);
}

function link<Input, Output>(moments: readonly Moment<Input, Output>[]): Moment<Input, Output> {
  const [first] = moments;
  if (first === undefined) throw new Error("a key without operations");
  const head: Moment<Input, Output> = { ...first, isCall: false, previous: undefined, next: undefined };
  let last = head;
  for (const moment of moments) {
    last.next = moment;
    moment.previous = last;
    last = moment;
  }
  return head;
}

/** Answers with how many returns went. */
function takeOut<Input, Output>(call: Moment<Input, Output>): number {
  unlink(call);
  if (call.end === undefined) return 0;
  unlink(call.end);
  return 1;
}

/** In the opposite order of taking out, so that the neighbours are there again. */
function putBack<Input, Output>(call: Moment<Input, Output>): number {
  if (call.end !== undefined) relink(call.end);
  relink(call);
  return call.end === undefined ? 0 : 1;
}

function unlink<Input, Output>(moment: Moment<Input, Output>): void {
  if (moment.previous !== undefined) moment.previous.next = moment.next;
  if (moment.next !== undefined) moment.next.previous = moment.previous;
}

function relink<Input, Output>(moment: Moment<Input, Output>): void {
  if (moment.previous !== undefined) moment.previous.next = moment;
  if (moment.next !== undefined) moment.next.previous = moment;
}

function underWay<Input, Output>(
  head: Pick<Moment<Input, Output>, "next">,
  end: Moment<Input, Output>,
): Operation<Input, Output>[] {
  const others: Operation<Input, Output>[] = [];
  for (let at = head.next; at !== undefined && at !== end; at = at.next) {
    if (at.operation !== end.operation) others.push(at.operation);
  }
  return [end.operation, ...others];
}
