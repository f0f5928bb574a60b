import type { ServerState } from "../demo/commands.js";

/** A server, and what its bank is. */
export interface NamedState extends ServerState {
  readonly name: string;
}

/** What a look at all servers tells. */
export type StateComparison =
  /** They are not at one op yet, or not at the one that is asked for. */
  | { readonly kind: "apart" }
  | { readonly kind: "equal"; readonly op: number; readonly digest: string }
  | { readonly kind: "different"; readonly problem: string };

/** Compares what servers have come to, once all of them are at the same op, `least` or a later one. */
export function compareStates(states: readonly NamedState[], least: number): StateComparison {
  const [first, ...others] = states;
  if (first === undefined || first.op < least) return { kind: "apart" };
  const { op, digest, sessions } = first;
  if (others.some((other) => other.op !== op)) return { kind: "apart" };
  const isEqual = others.every((other) => other.digest === digest && other.sessions === sessions);
  if (isEqual) return { kind: "equal", op, digest };
  const told = states.map((state) => `${state.name} has ${state.digest} and ${state.sessions} sessions`);
  return { kind: "different", problem: `at op ${op}, ${told.join(", ")}` };
}
