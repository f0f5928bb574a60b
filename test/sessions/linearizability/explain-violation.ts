import type { Operation, Violation } from "./check-linearizable.js";

/** A violation in words, a line per operation: what is in order, and what does not fit behind it. */
export function explainViolation<Input, Output>(violation: Violation<Input, Output>): string {
  const { key, order, state, stuck } = violation;
  return [
    `the history of key ${key} is not linearizable; this much of it is:`,
    ...order.map((operation) => `  ${describeOperation(operation)}`),
    `the state is then ${JSON.stringify(state)}, and none of these fits:`,
    ...stuck.map((operation) => `  ${describeOperation(operation)}`),
  ].join("\n");
}

/** One line. */
export function describeOperation<Input, Output>(operation: Operation<Input, Output>): string {
  const { called, client, input, key, output, returned } = operation;
  const answer = output === undefined ? "?" : JSON.stringify(output);
  return `[${called}, ${returned}] client ${client} key ${key}: ${JSON.stringify(input)} -> ${answer}`;
}
