// Weighs idle sessions, in a process of its own, whose memory nothing else is in: idle-memory.ts starts it.
import { setImmediate } from "node:timers/promises";
import { tableWithSessions } from "./table-with-sessions.js";

const sessions = Number(process.argv[2]);

// Code that is compiled on the way is not of the sessions.
for (let table = 0; table < 5; table++) tableWithSessions(1_000);
const before = await usedBytes();
const { table } = tableWithSessions(sessions);
const bytes = (await usedBytes()) - before;
if (table.size !== sessions) throw new Error(`the table has ${table.size} sessions, and not ${sessions}`);
process.send?.({ bytesPerSession: bytes / sessions });

async function usedBytes(): Promise<number> {
  if (globalThis.gc === undefined) throw new Error("Node is to be started with --expose-gc");
  // What a collection finds out about, such as buffers, is partly let go in the turn behind it.
  for (let times = 0; times < 4; times++) {
    globalThis.gc();
    await setImmediate();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
