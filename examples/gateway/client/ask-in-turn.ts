import { byLastError, Code, type Configuration, type Node, QuorateError } from "quorate";
import { byUsefulness } from "quorate/context";
import type { FetchOptions } from "./fetch-options.js";

/**
 * Asks one peer after the other until one has an answer: those that can be reached first, and of them the most useful.
 *
 * @throws QuorateError NotFound if all peers lack it, Unavailable if some of them could not say; once the signal has
 * ended, the error of the call that it ended.
 */
export async function askInTurn<Answer>(
  peers: Configuration,
  what: string,
  ask: (peer: Node) => Promise<Answer>,
  { signal }: FetchOptions = {},
): Promise<Answer> {
  const errors: QuorateError[] = [];
  for (let left = peers; left.size > 0; ) {
    // Sorted anew after each miss, since calls that go on beside this one have learned something, too.
    const [peer] = left.sortBy(byLastError, byUsefulness()).nodes;
    if (peer === undefined) break;
    left = left.without(peer);
    try {
      return await ask(peer);
    } catch (error) {
      if (signal?.aborted) throw error;
      errors.push(QuorateError.from(error));
    }
  }
  throw nobodyHas(what, errors);
}

function nobodyHas(what: string, errors: readonly QuorateError[]): QuorateError {
  const others = errors.filter(({ code }) => code !== Code.NotFound);
  const lacking = `${errors.length - others.length} of ${errors.length} peers lack it`;
  const message = [`gateway: no peer has the ${what}: ${lacking}`, ...others.map((error) => error.message)];
  const code = others.length === 0 ? Code.NotFound : Code.Unavailable;
  return new QuorateError(code, message.join("; "), { cause: new AggregateError(errors) });
}
