// The server of the session benchmark, a process of its own: main.ts starts and ends it.
import { createServer } from "quorate";
import { type CommitLog, createMemoryLog, createSessions, openFileLog } from "quorate/sessions";
import { serveUntilTold } from "../shared/serve-until-told.js";
import { isLogKind, type LogKind, type ServerStatistics } from "./echo-server.js";
import { CountedEcho, PlainEcho } from "./gen/bench/sessions/v1/echo_quorate.js";
import { RequestCounter } from "./request-counter.js";
import { syncEachAppend } from "./sync-each-append.js";

const [kind, directory = "", lifeMs] = process.argv.slice(2);
if (!isLogKind(kind)) throw new Error(`there is no log of the kind ${kind}`);

const counter = new RequestCounter();
const sessions = createSessions({ log: await openLog(kind) });
sessions.replicate(CountedEcho, counter.handlers, counter.options);
await using server = await createServer({
  address: "127.0.0.1:0",
  extensions: [sessions],
  routes: (router) => router.service(PlainEcho, { echo: ({ payload }) => ({ payload }) }),
});
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  const statistics: ServerStatistics = { cpuMicros: user + system, counted: counter.count };
  process.send?.(statistics, undefined, undefined, () => {});
});
await serveUntilTold(server.address, AbortSignal.timeout(Number(lifeMs)));

async function openLog(log: LogKind): Promise<CommitLog> {
  if (log === "memory") return createMemoryLog();
  const opened = await openFileLog({ directory });
  return log === "file" ? opened : syncEachAppend(opened);
}
