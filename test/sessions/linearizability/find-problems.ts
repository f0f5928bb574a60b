import { checkLinearizable, type Operation } from "./check-linearizable.js";
import { explainViolation } from "./explain-violation.js";
import { pause } from "./faults.js";
import type { History, RecordedOperation } from "./history.js";
import type { RegisterMachine } from "./register-machine.js";
import { type RegisterInput, type RegisterOutput, registerModel } from "./register-model.js";
import type { SimulatedServer } from "./simulated-server.js";
import type { World } from "./world.js";

/** Compares what the clients were told with what the servers have applied, when nothing goes wrong any more. */
export async function findProblems(servers: readonly SimulatedServer[], world: World): Promise<void> {
  const { history, problems } = world;
  await allApplied(servers, world);
  const [first, ...others] = servers.map(({ machine }) => machine);
  if (first === undefined) return;
  const verdict = checkLinearizable(registerModel, checkedOf(history, first));
  if (!verdict.ok) problems.push(explainViolation(verdict.violation));
  for (const operation of history.recorded) {
    const problem = countProblem(operation, first);
    if (problem !== undefined) problems.push(problem);
  }
  const state = text(first);
  for (const other of others) {
    if (text(other) !== state) problems.push(`the servers differ: ${text(other)} and ${state}`);
  }
}

/**
 * What the checker has to order. What nobody was told about and no server has applied is left out: it had no effect, and
 * the search would try it everywhere.
 */
function checkedOf(
  { recorded }: History,
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

/** Resolves at a moment at which every server has applied all that is in the log, and so all that anybody was told of. */
async function allApplied(servers: readonly SimulatedServer[], { problems, store }: World): Promise<void> {
  await using log = store.open();
  for (let waits = 0; waits < 1_000; waits++) {
    const tail = await log.tail();
    if (servers.every(({ applied }) => applied === tail)) return;
    await pause(20);
  }
  const [tail, applied] = [await log.tail(), servers.map((server) => server.applied)];
  problems.push(`the servers have applied ${applied.join(", ")} of ${tail}`);
}

function text(machine: RegisterMachine): string {
  return new TextDecoder().decode(machine.snapshot());
}
