import { serveCommands } from "../../../examples/storage/demo/serve-commands.js";
import type { HostCommands, HostProblem, RegisterServerInit } from "./host-commands.js";
import { RegisterServer } from "./register-server.js";

// A process with one server of each history. It ends when its IPC channel does.
const servers = new Map<string, RegisterServer>();

function tell(problem: string): void {
  const message: HostProblem = { problem };
  process.send?.(message);
}

/** Opens the servers, a few at a time: all at once would wait for each other. */
async function open(inits: readonly RegisterServerInit[]): Promise<void> {
  const waiting = inits.values();
  const openNext = async () => {
    for (const init of waiting) servers.set(init.prefix, await RegisterServer.open(init, tell));
  };
  await Promise.all(Array.from({ length: openedAtOnce }, openNext));
}

const openedAtOnce = 8;

const commands: HostCommands = {
  open,
  settle: async (prefix) => {
    const server = servers.get(prefix);
    if (server === undefined) throw new Error(`there is no server of ${prefix}`);
    return server.settle();
  },
  closeAll: async () => {
    const all = [...servers.values()];
    servers.clear();
    await Promise.all(all.map((server) => server.close()));
  },
};

await serveCommands(commands);
process.exit();
