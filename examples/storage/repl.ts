// The storage example by commands: a client of the register, and its servers; `--help` tells of the flags.
import { fileURLToPath } from "node:url";
import { connect } from "quorate";
import { runCluster } from "./modes/cluster.js";
import { startLocalServers } from "./modes/local-servers.js";
import { runClient } from "./modes/run-client.js";
import { serve } from "./modes/serve.js";
import { listenForEnd } from "./process/listen-for-end.js";
import { sortAddresses } from "./repl/addresses.js";
import { type Flags, readFlags, usage } from "./repl/flags.js";

const print = (line: string) => console.log(line);
const log = (line: string) => console.error(line);

using end = listenForEnd();
try {
  await run(readFlags(process.argv.slice(2)), end.signal);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  if (process.connected) process.disconnect();
}

async function run(flags: Flags, signal: AbortSignal): Promise<void> {
  switch (flags.kind) {
    case "help":
      return print(usage);
    case "cluster":
      return runCluster({ ...flags, program: fileURLToPath(import.meta.url), print, signal });
    case "serve":
      return serve({ ...flags, log, onStarted: () => process.send?.("started"), signal });
    case "client": {
      // In the order of the servers' ids, which come from the sorted addresses too.
      await using configuration = await connect({ nodes: sortAddresses(flags.addresses) });
      return await runClient(configuration, { ...flags, signal });
    }
    case "local": {
      await using servers = await startLocalServers(4, { ...flags, log });
      return await runClient(await servers.connect(), { ...flags, signal });
    }
  }
}
