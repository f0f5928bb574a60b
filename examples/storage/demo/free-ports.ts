import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Ports of 127.0.0.1 on which nobody listens. Below the range from which the system takes the ports of outgoing
 * connections: there, a client that dials a dead server's port again and again could be given that very port.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  for (let attempt = 0; ports.size < count; attempt++) {
    if (attempt > 1_000) throw new Error("no free ports found on 127.0.0.1");
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (!ports.has(port) && (await isFree(port))) ports.add(port);
  }
  return [...ports];
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}
