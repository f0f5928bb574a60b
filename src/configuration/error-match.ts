import { Code } from "../../internal/errors/code.js";
import { invalidArgument, QuorateError } from "../../internal/errors/quorate-error.js";

/** How the nodes of a call failed; a QuorumCallError says so. */
export interface NodeErrors {
  /** By node id. */
  readonly nodeErrors: ReadonlyMap<number, QuorateError>;
}

/**
 * Which errors are meant: those with this code, with this reason (`"NOT_CONNECTED"`), or of which the function says
 * so. Code and reason are also looked for in the errors that an error has as its cause.
 */
export type ErrorMatch = Code | string | ((error: QuorateError) => boolean);

/** Whether one of `matches` fits the error. Throws InvalidArgument for what is none. */
export function matchesError(error: QuorateError, matches: readonly ErrorMatch[]): boolean {
  return matches.some((match) => {
    if (typeof match === "function") return match(error);
    if (typeof match !== "string" && !codes.has(match)) {
      throw invalidArgument(`errors are matched by Code, reason or a function, not by ${String(match)}`);
    }
    return wrapped(error).some(({ code, reason }) => match === code || match === reason);
  });
}

const codes: ReadonlySet<unknown> = new Set(Object.values(Code));
/** How deep causes are followed; they may form a circle. */
const maxDepth = 16;

/** The error and the QuorateErrors behind it. */
function wrapped(error: QuorateError): QuorateError[] {
  const found: QuorateError[] = [];
  let inner: unknown = error;
  for (let depth = 0; depth < maxDepth && inner instanceof Error; depth++) {
    if (inner instanceof QuorateError) found.push(inner);
    inner = inner.cause;
  }
  return found;
}
