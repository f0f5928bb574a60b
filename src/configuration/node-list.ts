import { lookup } from "node:dns/promises";
import { isIP, isIPv6, SocketAddress } from "node:net";
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

/**
 * Checks a node list and returns its entries by ascending id. Names are looked up only to find two spellings of one
 * endpoint; what does not resolve now may do so later (W-27).
 *
 * @throws QuorateError InvalidArgument that names the entry.
 */
export async function readNodeList(nodes: NodeList): Promise<NodeAddress[]> {
  const entries = entriesOf(nodes);
  for (const { id, address } of entries) {
    checkId(id);
    parseAddress(address);
  }
  entries.sort((a, b) => a.id - b.id);
  refuseRepeatedIds(entries);
  await refuseDuplicates(entries);
  return entries;
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

function entriesOf(nodes: NodeList): NodeAddress[] {
  if (Array.isArray(nodes)) {
    if (nodes.length === 0) throw invalidArgument("missing required node addresses: the list is empty");
    return nodes.map((address: string, at) => ({ id: at + 1, address }));
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

function checkId(id: number): void {
  if (id === 0) throw invalidArgument("node 0 is reserved");
  if (!Number.isInteger(id) || id < 0 || id >= firstDynamicId) {
    throw invalidArgument(`node id ${id} is out of range: use 1 to ${firstDynamicId - 1}`);
  }
}

/** An id can stand twice in a Map (1 and "1") and in an object ("1" and "01"). */
function refuseRepeatedIds(sorted: readonly NodeAddress[]): void {
  for (const [at, { id, address }] of sorted.entries()) {
    if (sorted[at + 1]?.id === id) throw invalidArgument(`node ${id} already in use by "${address}"`);
  }
}

async function refuseDuplicates(entries: readonly NodeAddress[]): Promise<void> {
  const resolved = await Promise.all(
    entries.map(async (entry) => ({ entry, endpoints: await endpointsOf(entry) })),
  );
  const owners = new Map<string, NodeAddress>();
  for (const { entry, endpoints } of resolved) {
    for (const endpoint of endpoints) {
      const owner = owners.get(endpoint);
      if (owner !== undefined) {
        throw invalidArgument(
          `address "${entry.address}" of node ${entry.id} already in use by node ${owner.id} ("${owner.address}")`,
        );
      }
    }
    for (const endpoint of endpoints) owners.set(endpoint, entry);
  }
}

/** How long a look-up may take, in milliseconds; it only serves to find duplicates. */
const lookupMs = 2_000;

async function endpointsOf({ address }: NodeAddress): Promise<Set<string>> {
  const { host, port } = parseAddress(address);
  if (isIP(host) !== 0) return new Set([`${canonical(host)}:${port}`]);
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<[]>((resolve) => {
    timer = setTimeout(() => resolve([]), lookupMs);
  });
  try {
    const found = await Promise.race([lookup(host, { all: true }).catch(() => []), expired]);
    return new Set([address.toLowerCase(), ...found.map((one) => `${canonical(one.address)}:${port}`)]);
  } finally {
    clearTimeout(timer);
  }
}

/** The one spelling of an IP address, without brackets. */
function canonical(ip: string): string {
  if (!isIPv6(ip)) return ip;
  const [address = ip, zone] = ip.split("%");
  const spelled = new SocketAddress({ address, family: "ipv6" }).address;
  return zone === undefined ? spelled : `${spelled}%${zone}`;
}
