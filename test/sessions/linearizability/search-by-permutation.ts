import type { Operation, SequentialModel } from "./check-linearizable.js";

/**
 * Whether some order of the operations of one key is allowed, found by trying all of them: the definition of
 * linearizability, for histories of a few operations.
 */
export function searchByPermutation<Input, Output>(
  model: SequentialModel<Input, Output>,
  history: readonly Operation<Input, Output>[],
): boolean {
  const certain = history.filter(({ returned }) => returned < Number.POSITIVE_INFINITY);
  const uncertain = history.filter((operation) => !certain.includes(operation));
  return subsets(uncertain).some((happened) =>
    permutations([...certain, ...happened]).some((order) => keepsTime(order) && isAllowed(model, order)),
  );
}

function keepsTime<Input, Output>(order: readonly Operation<Input, Output>[]): boolean {
  return order.every((later, at) => order.slice(0, at).every((earlier) => later.returned >= earlier.called));
}

function isAllowed<Input, Output>(
  model: SequentialModel<Input, Output>,
  order: readonly Operation<Input, Output>[],
): boolean {
  let state: string | undefined = model.initial;
  for (const { input, output } of order) {
    state = model.step(state, input, output);
    if (state === undefined) return false;
  }
  return true;
}

function subsets<T>(all: readonly T[]): T[][] {
  return all.reduce<T[][]>((found, item) => [...found, ...found.map((set) => [...set, item])], [[]]);
}

function permutations<T>(all: readonly T[]): T[][] {
  if (all.length === 0) return [[]];
  return all.flatMap((first, at) => permutations(all.toSpliced(at, 1)).map((rest) => [first, ...rest]));
}
