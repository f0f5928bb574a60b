// A client of the storage example, as the demo starts it; its arguments are the addresses of the servers.
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { type Client, connect, createClient, type Node } from "quorate";
import type { ClientCommands, Entry } from "./demo/commands.js";
import { type LatencySummary, summarize } from "./demo/latencies.js";
import { serveCommands } from "./demo/serve-commands.js";
import type { ReadResponse, WriteResponse } from "./gen/storage/v1/storage_pb.js";
import { Storage, Watcher } from "./gen/storage/v1/storage_quorate.js";
import { newest } from "./service/register.js";

/** Which servers told of each value. */
const announced = new Map<string, Set<number>>();

await using configuration = await connect({
  nodes: process.argv.slice(2),
  routes: (router) =>
    router.service(Watcher, {
      changed: ({ key, value, server }) => {
        const servers = announced.get(`${key}=${value}`) ?? new Set();
        announced.set(`${key}=${value}`, servers.add(server));
      },
      countChanges: () => ({ count: announced.size }),
    }),
});
const storage = createClient(Storage, configuration);

/** The writes that go on until they are stopped. */
const load = { on: false, written: 0, done: Promise.resolve(summarize([])) };

const commands: ClientCommands = {
  write: async (entries) => {
    const latencies: number[] = [];
    for (const entry of entries) latencies.push(await timed(() => write(entry)));
    return summarize(latencies);
  },
  check: async (entries) => {
    const latencies: number[] = [];
    const wrong: string[] = [];
    for (const { key, value } of entries) {
      let found = "";
      latencies.push(await timed(async () => (found = (await read(key)).value)));
      if (found !== value) wrong.push(`${key}: expected "${value}", found "${found}"`);
    }
    return { ...summarize(latencies), wrong };
  },
  writeAt: async ({ server, ...entry }) => (await at(server).writeRPC(stamped(entry))).new,
  readAt: async ({ server, key }) => (await at(server).readRPC({ key })).value,
  writeNested: async ({ server, ...entry }) => {
    const through = createClient(Storage, configuration.only(server));
    return (await through.writeNestedQC(stamped(entry)).first()).new;
  },
  writeOneWay: async ({ unicast, multicast }) => {
    await at(1).writeUnicast(stamped(unicast));
    await storage.writeMulticast(stamped(multicast));
  },
  announcedBy: async ({ key, value }) => [...(announced.get(`${key}=${value}`) ?? [])].sort((a, b) => a - b),
  startWriting: async (prefix) => {
    load.on = true;
    load.done = writeOn(prefix);
    // `written` and `stopWriting` tell of a failure.
    load.done.catch(() => {});
  },
  // What has failed already wins the race.
  written: () => Promise.race([load.done, Promise.resolve()]).then(() => load.written),
  stopWriting: () => {
    load.on = false;
    return load.done;
  },
};
await serveCommands(commands);

function at(server: number): Client<typeof Storage, Node> {
  return createClient(Storage, configuration.node(server));
}

function stamped(entry: Entry) {
  return { ...entry, time: timestampNow() };
}

function write(entry: Entry): Promise<WriteResponse> {
  return storage.writeQC(stamped(entry), { timeoutMs: 2_000 }).majority();
}

function read(key: string): Promise<ReadResponse> {
  return storage.readQC({ key }, { timeoutMs: 2_000 }).majority(newest);
}

async function writeOn(prefix: string): Promise<LatencySummary> {
  const latencies: number[] = [];
  for (load.written = 0; load.on; load.written++) {
    const entry = { key: `${prefix}-${load.written % 50}`, value: `${prefix} ${load.written}` };
    latencies.push(await timed(() => write(entry)));
  }
  return summarize(latencies);
}

async function timed(call: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await call();
  return performance.now() - start;
}
