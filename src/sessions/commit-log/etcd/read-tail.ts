import { Code } from "../../../../internal/errors/code.js";
import { QuorateError } from "../../../../internal/errors/quorate-error.js";
import { logRegressed } from "../log-errors.js";
import { positionOf, readNumber } from "./etcd-keys.js";
import type { LogParts } from "./log-parts.js";
import { checkGenesis, get, readAt } from "./transactions.js";
import { type Repetition, untilAnswered } from "./until-answered.js";

/**
 * The position of the last entry, as etcd's majority has it; 0 if there is none.
 * @throws what `untilAnswered` throws; DataLoss, `LOG_REGRESSED`, `LOG_CORRUPT`.
 */
export async function readTail(parts: LogParts, repetition: Omit<Repetition, "what">): Promise<number> {
  const { client, keys, known } = parts;
  const { op: before } = known;
  const success = [get(keys.head), get(keys.genesis)];
  const what = "the end of the log cannot be read";
  const answer = await untilAnswered(client, { success }, { ...repetition, what });
  checkGenesis(parts, readAt(answer, 1)[0]);
  const [head] = readAt(answer, 0);
  if (head === undefined && before === 0) return 0;
  if (head === undefined) throw logRegressed(`it is empty, and had an entry at op ${before}`);
  // Not the revision of the answer, which moves with other keys as well.
  const count = readNumber(head.value);
  if (count === undefined || count < 1) throw damagedHead();
  const tail = positionOf(head.modRevision, count - 1);
  // Backups that are put back can have the id of the cluster that they were made of.
  if (tail < before) throw logRegressed(`it ends at op ${tail}, and had an entry at op ${before}`);
  known.saw(tail);
  return tail;
}

function damagedHead(): QuorateError {
  const message = "quorate: the key `head` of the log does not say how many entries the last batch has";
  return new QuorateError(Code.DataLoss, message, { reason: "LOG_CORRUPT" });
}
