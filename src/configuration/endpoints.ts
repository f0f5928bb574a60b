import { lookup } from "node:dns/promises";
import { isIP, isIPv6, SocketAddress } from "node:net";
import { parseAddress } from "./node-list.js";

/** How long a look-up may take, in milliseconds; it only serves to find duplicates. */
const lookupMs = 2_000;

/**
 * All spellings of the endpoints that an address stands for now, so that two addresses of one endpoint have one in
 * common: the address itself, and of a name what it resolves to. What cannot be resolved is no error.
 */
export async function endpointsOf(address: string): Promise<ReadonlySet<string>> {
  const { host, port } = parseAddress(address);
  if (isIP(host) !== 0) return new Set([endpoint(host, port)]);
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<[]>((resolve) => {
    timer = setTimeout(() => resolve([]), lookupMs);
  });
  try {
    const found = await Promise.race([lookup(host, { all: true }).catch(() => []), expired]);
    return new Set([address.toLowerCase(), ...found.map((one) => endpoint(one.address, port))]);
  } finally {
    clearTimeout(timer);
  }
}

function endpoint(ip: string, port: number): string {
  return isIPv6(ip) ? `[${canonical(ip)}]:${port}` : `${ip}:${port}`;
}

/** The one spelling of an IPv6 address. */
function canonical(ip: string): string {
  const [address = ip, zone] = ip.split("%");
  const spelled = new SocketAddress({ address, family: "ipv6" }).address;
  return zone === undefined ? spelled : `${spelled}%${zone}`;
}
