/** The addresses of a list with commas between them. Blanks around them, and entries that are blank, do not count. */
export function splitAddresses(list: string): string[] {
  return list
    .split(",")
    .map((address) => address.trim())
    .filter((address) => address !== "");
}

/** Who a server is among its peers. */
export interface PeerConfig {
  readonly nodeId: number;
  /** All servers, in the order of their ids. */
  readonly nodes: readonly string[];
}

/**
 * Numbers servers from 1 in the order of their sorted addresses, so that every process that is given the same ones
 * agrees, whatever their order. Throws if a server's own address is not among them.
 */
export function peerConfig(own: string, addresses: readonly string[]): PeerConfig {
  const nodes = sortAddresses(addresses);
  if (!nodes.includes(own)) throw new Error(`server address "${own}" not found in --addrs list`);
  return { nodeId: nodes.indexOf(own) + 1, nodes };
}

/** The order of the ids: by the characters of the addresses. */
export function sortAddresses(addresses: readonly string[]): string[] {
  return addresses.toSorted((a, b) => (a < b ? -1 : Number(a > b)));
}
