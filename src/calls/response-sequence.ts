import { invalidArgument } from "../../internal/errors/quorate-error.js";
import type { NodeResponse } from "../configuration/node-response.js";

/** The responses of nodes in the order in which they come. */
export interface ResponseSequence<Reply, Item extends NodeResponse<Reply> = NodeResponse<Reply>>
  extends AsyncIterable<Item> {
  /** Only the replies. */
  ignoreErrors(): ResponseSequence<Reply, Extract<Item, { readonly ok: true }>>;
  /** Only the responses that `keep` wants. */
  filter(keep: (response: Item) => boolean): ResponseSequence<Reply, Item>;
  /**
   * Waits for the responses of `count` nodes, or of all: the last of each, by node id.
   * @throws QuorateError InvalidArgument unless `count` is an integer from 1 on
   */
  collect(count?: number): Promise<ReadonlyMap<number, Item>>;
}

/** What a sequence does besides being iterated. */
export abstract class IteratedResponses<Reply, Item extends NodeResponse<Reply> = NodeResponse<Reply>>
  implements ResponseSequence<Reply, Item>
{
  abstract [Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined>;

  ignoreErrors(): ResponseSequence<Reply, Extract<Item, { readonly ok: true }>> {
    return new FilteredResponses(this, isReply);
  }

  filter(keep: (response: Item) => boolean): ResponseSequence<Reply, Item> {
    return new FilteredResponses(this, (response): response is Item => keep(response));
  }

  collect(count: number = Number.POSITIVE_INFINITY): Promise<ReadonlyMap<number, Item>> {
    if (count !== Number.POSITIVE_INFINITY) checkLevel(count, "the number of nodes to collect");
    return collectFrom(this, count);
  }
}

/** Checks a number of replies or nodes. Throws InvalidArgument. */
export function checkLevel(count: number, what: string): void {
  if (Number.isInteger(count) && count >= 1) return;
  throw invalidArgument(`${what} is an integer from 1 on; it is ${count}`);
}

class FilteredResponses<
  Reply,
  Source extends NodeResponse<Reply>,
  Item extends Source,
> extends IteratedResponses<Reply, Item> {
  readonly #source: AsyncIterable<Source>;
  readonly #keep: (response: Source) => response is Item;

  constructor(source: AsyncIterable<Source>, keep: (response: Source) => response is Item) {
    super();
    this.#source = source;
    this.#keep = keep;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    for await (const response of this.#source) if (this.#keep(response)) yield response;
  }
}

function isReply<Item extends NodeResponse<unknown>>(
  response: Item,
): response is Extract<Item, { readonly ok: true }> {
  return response.ok;
}

async function collectFrom<Item extends NodeResponse<unknown>>(
  responses: AsyncIterable<Item>,
  count: number,
): Promise<ReadonlyMap<number, Item>> {
  const collected = new Map<number, Item>();
  for await (const response of responses) {
    collected.set(response.node.id, response);
    if (collected.size >= count) break;
  }
  return collected;
}
