/** An argument of a tool is wrong; the message names the option. */
export class RefusedOption extends Error {}

/** What reading the arguments came to: what `read` returns, or why they are refused. Other errors are thrown on. */
export function orRefused<Command>(
  read: () => Command,
): Command | { readonly kind: "refused"; readonly reason: string } {
  try {
    return read();
  } catch (error) {
    if (error instanceof RefusedOption || isFromParser(error))
      return { kind: "refused", reason: error.message };
    throw error;
  }
}

/** Throws if other options are given than those that go with the option `name`. */
export function refuseOthers(name: string, given: readonly string[], allowed: readonly string[]): void {
  const others = given.filter((flag) => flag !== name && !allowed.includes(flag));
  if (others.length === 0) return;
  throw new RefusedOption(`--${others.join(", --")} cannot be used together with --${name}`);
}

function isFromParser(error: unknown): error is Error {
  return error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS_");
}
