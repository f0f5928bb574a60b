import { isIPv6 } from "node:net";
import { invalidArgument } from "../../internal/errors/quorate-error.js";

/**
 * Which nodes there are: a list of addresses, numbered from 1 in its order, or addresses by id (an object or a
 * Map). All replicas of one configuration must be given the same ids (F-37).
 */
export type NodeList =
  | readonly string[]
  | ReadonlyMap<number, string>
  // A string has numbered members, too, and is no list.
  | (object & { readonly [id: number]: string });

/** One entry of a node list. */
export interface NodeAddress {
  readonly id: number;
  readonly address: string;
}

/** The first id of dynamic clients (wire.md, F-18); ids of known nodes are below it. */
export const firstDynamicId: number = 1 << 20;

/** One entry of a node list as it was given; in a list without ids they are counted up. */
export interface ListEntry {
  readonly id: number | undefined;
  readonly address: string;
}

/**
 * The entries of a node list, each correct in itself.
 *
 * @throws QuorateError InvalidArgument that names the entry.
 */
export function parseNodeList(nodes: NodeList): ListEntry[] {
  const entries = entriesOf(nodes);
  for (const { id, address } of entries) {
    if (id !== undefined) checkId(id);
    parseAddress(address);
  }
  return entries;
}

/** Throws InvalidArgument for an id that no node of a list may have. */
export function checkId(id: number): void {
  if (id === 0) throw invalidArgument("node 0 is reserved");
  if (!Number.isInteger(id) || id < 0 || id >= firstDynamicId) {
    throw invalidArgument(`node id ${id} is out of range: use 1 to ${firstDynamicId - 1}`);
  }
}

/** Host and port of `host:port` or `[ipv6]:port`. Throws InvalidArgument that names the address. */
export function parseAddress(
  address: unknown,
  lowestPort = 1,
): { readonly host: string; readonly port: number } {
  const text = typeof address === "string" ? address : String(address);
  const match = /^(?:\[([0-9a-fA-F:.]+(?:%\w+)?)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (typeof address !== "string" || host === undefined || (match?.[1] !== undefined && !isIPv6(host))) {
    throw invalidArgument(
      `invalid address "${text}": expected host:port, such as 127.0.0.1:9081 or [::1]:9081`,
    );
  }
  if (port < lowestPort || port > 65_535) {
    throw invalidArgument(`invalid address "${text}": the port must be from ${lowestPort} to 65535`);
  }
  return { host, port };
}

function entriesOf(nodes: NodeList): ListEntry[] {
  if (Array.isArray(nodes)) {
    if (nodes.length === 0) throw invalidArgument("missing required node addresses: the list is empty");
    return Array.from(nodes, (address: string) => ({ id: undefined, address }));
  }
  if (typeof nodes !== "object" || nodes === null) {
    throw invalidArgument("missing required node list: give addresses, or addresses by id");
  }
  const pairs =
    nodes instanceof Map ? [...nodes] : Object.entries(nodes as { readonly [id: string]: string });
  if (pairs.length === 0) throw invalidArgument("missing required node map: it is empty");
  return pairs.map(([id, address]) => {
    if (typeof id === "string" && !/^-?\d+$/.test(id))
      throw invalidArgument(`node id "${id}" is not an integer`);
    return { id: Number(id), address };
  });
}
