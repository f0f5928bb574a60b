import { isIP, isIPv4, isIPv6 } from "node:net";

/**
 * What stands for the host of a peer: its IPv4 address, or the network of its IPv6 address (64 bits), of which one host
 * may use all addresses. What is no IP address stands for itself.
 *
 * @param remoteAddress with or without a port, as a transport says it.
 */
export function hostKey(remoteAddress: string): string {
  const host = hostOf(remoteAddress);
  if (!isIPv6(host)) return host;
  const groups = groupsOf(host);
  return (
    mappedIPv4(groups) ??
    `${groups
      .slice(0, 4)
      .map((group) => group.toString(16))
      .join(":")}::/64`
  );
}

/** Whether what goes there stays within this host or this process. */
export function isLocalAddress(address: string): boolean {
  if (/^memory:\d+$/.test(address)) return true;
  const host = hostOf(address);
  if (host === "localhost") return true;
  if (isIPv4(host)) return host.startsWith("127.");
  if (!isIPv6(host)) return false;
  const groups = groupsOf(host);
  const mapped = mappedIPv4(groups);
  return mapped?.startsWith("127.") ?? groups.every((group, at) => group === (at === 7 ? 1 : 0));
}

/** grpc-js puts the port behind an IPv6 address without brackets. */
function hostOf(address: string): string {
  const [, bracketed] = /^\[([^\]]*)\](?::\d+)?$/.exec(address) ?? [];
  if (bracketed !== undefined) return bracketed;
  const [, host] = /^(.*):\d+$/.exec(address) ?? [];
  return host !== undefined && (isIP(host) !== 0 || !host.includes(":")) ? host : address;
}

/** The eight groups of an IPv6 address that was found to be one. */
function groupsOf(address: string): number[] {
  const [bare = ""] = address.split("%");
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(bare);
  const [, front = "", a = 0, b = 0, c = 0, d = 0] = dotted ?? [];
  const last = (high: unknown, low: unknown) => (Number(high) * 256 + Number(low)).toString(16);
  const text = dotted === null ? bare : `${front}${last(a, b)}:${last(c, d)}`;
  const [left = "", right] = text.split("::");
  const groups = (part: string) =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  const head = groups(left);
  const tail = groups(right ?? "");
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail];
}

function mappedIPv4(groups: readonly number[]): string | undefined {
  const [high = 0, low = 0] = groups.slice(6);
  if (groups[5] !== 0xffff || groups.slice(0, 5).some((group) => group !== 0)) return undefined;
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}
