// One server of the storage example; ids are given in the order of the addresses:
//   node dist/examples/storage/server.js 1 127.0.0.1:9081 127.0.0.1:9082 127.0.0.1:9083
import { createClient, createServer } from "quorate";
import type { ServerCommands } from "./demo/commands.js";
import { serveCommands } from "./demo/serve-commands.js";
import { Watcher } from "./gen/storage/v1/storage_quorate.js";
import { createRegister } from "./service/register.js";
import { storageRoutes } from "./service/storage-routes.js";

const [id, ...nodes] = process.argv.slice(2);
const nodeId = Number(id);
await using server = await createServer({
  nodeId,
  nodes,
  routes: storageRoutes(createRegister(), nodeId, nodes.length),
});
console.error(`storage server ${nodeId} listens on ${server.address}`);

// Shorter than a step of the demo may take, so that it is told what was missing.
const waitOptions = { timeoutMs: 7_000 };
const commands: ServerCommands = {
  waitForPeers: (count) => server.waitForPeers(({ size }) => size === count, waitOptions),
  waitForClients: (count) => server.waitForClients(({ size }) => size === count, waitOptions),
  peers: async () => [...server.peers.ids],
  countChanges: () =>
    Promise.all(
      [...server.clients].map(async (client) => (await createClient(Watcher, client).countChanges({})).count),
    ),
};
await serveCommands(commands);
