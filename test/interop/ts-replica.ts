import { createInterface } from "node:readline";
import { createServer } from "quorate";
import { interopRoutes } from "./interop-handlers.js";
import type { PeerSetup } from "./peer-process.js";

// A TypeScript replica in a process of its own, started as the Go peer is: the first line on stdin is its setup, and
// it ends with its stdin.
for await (const line of createInterface(process.stdin)) {
  const { node = 0, nodes = {} } = JSON.parse(line) as PeerSetup;
  const server = await createServer({ nodeId: node, nodes, routes: interopRoutes(node) });
  console.log(JSON.stringify({ ready: true, address: server.address }));
}
process.exit();
