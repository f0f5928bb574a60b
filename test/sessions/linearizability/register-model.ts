import type { SequentialModel } from "./check-linearizable.js";

/** What can be asked of one key of the register. Values are texts; an append puts its own behind what is there. */
export type RegisterInput =
  | { readonly kind: "read" }
  | { readonly kind: "write"; readonly value: string }
  | { readonly kind: "append"; readonly value: string }
  | { readonly kind: "compareAndSet"; readonly expected: string; readonly value: string };

/** What it answers: the value after the operation, and whether a compareAndSet has set it. A write says nothing. */
export interface RegisterOutput {
  readonly value?: string;
  readonly swapped?: boolean;
}

/** One key of the register. An append that was applied twice, or before its time, shows in every later value. */
export const registerModel: SequentialModel<RegisterInput, RegisterOutput> = {
  initial: "",
  step: (state, input, output) => {
    const after = applied(state, input);
    if (output === undefined) return after;
    if (output.value !== undefined && output.value !== after) return undefined;
    if (input.kind === "compareAndSet" && output.swapped !== (state === input.expected)) return undefined;
    return after;
  },
};

function applied(state: string, input: RegisterInput): string {
  if (input.kind === "read") return state;
  if (input.kind === "append") return state + input.value;
  return input.kind === "write" || state === input.expected ? input.value : state;
}
