import { checkLinearizable, type Operation } from "../linearizability/check-linearizable.js";
import { explainViolation } from "../linearizability/explain-violation.js";
import type { RecordedOperation } from "../linearizability/history.js";
import type { RegisterMachine } from "../linearizability/register-machine.js";
import { type RegisterInput, type RegisterOutput, registerModel } from "../linearizability/register-model.js";

/** What the clients were told and the servers have not done, or the other way round, in words. */
export function compareHistory(recorded: readonly RecordedOperation[], machine: RegisterMachine): string[] {
  const verdict = checkLinearizable(registerModel, checkedOf(recorded, machine));
  return [
    ...(verdict.ok ? [] : [explainViolation(verdict.violation)]),
    ...recorded.flatMap((operation) => countProblem(operation, machine) ?? []),
  ];
}

/**
 * What the checker has to order. What nobody was told about and no server has applied is left out: it had no effect, and
 * the search would try it everywhere.
 */
function checkedOf(
  recorded: readonly RecordedOperation[],
  machine: RegisterMachine,
): Operation<RegisterInput, RegisterOutput>[] {
  return recorded.flatMap(({ checked, outcome, value }) => {
    const hadNoEffect =
      outcome.kind === "unknown" && value !== undefined && machine.timesApplied(value) === 0;
    return checked === undefined || hadNoEffect ? [] : [checked];
  });
}

/** Whether the request was applied as often as its caller was told. */
function countProblem(operation: RecordedOperation, machine: RegisterMachine): string | undefined {
  const { outcome, value } = operation;
  if (value === undefined) return undefined;
  const times = machine.timesApplied(value);
  const [least, most] = allowedTimes[outcome.kind];
  if (times >= least && times <= most) return undefined;
  return `${value} was applied ${times} times, and its caller was told: ${JSON.stringify(outcome)}`;
}

const allowedTimes = { answered: [1, 1], applied: [1, 1], neverApplied: [0, 0], unknown: [0, 1] } as const;
