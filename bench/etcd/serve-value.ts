// A server of the etcd benchmark, a process of its own: main.ts starts and ends it.
import { createServer } from "quorate";
import { createSessions } from "quorate/sessions";
import { openEtcdLog } from "quorate/sessions/etcd";
import { textOf } from "../shared/naming.js";
import { serveUntilTold } from "../shared/serve-until-told.js";
import { connectPuts } from "./etcd-puts.js";
import { EventTimes, sharedClockMs, withAppendTimes } from "./event-times.js";
import { PlainValue, StoredValue as StoredValueService } from "./gen/bench/etcd/v1/value_quorate.js";
import { StoredValue } from "./stored-value.js";
import type { ServerAnswer, ServerAnswers, ServerQuestion, ValueServerInit } from "./value-server.js";
import { putPrefix, watchPuts } from "./watch-puts.js";

const init: ValueServerInit = JSON.parse(process.argv[2] ?? "");
const { endpoint, lifeMs, notesTimes } = init;

const times = new EventTimes();
const state = new StoredValue(notesTimes ? (op) => times.seen(op) : undefined);
const log = openEtcdLog({ endpoints: [endpoint], prefix: "log/" });
const sessions = createSessions({
  log: notesTimes ? withAppendTimes(log, times) : log,
  serverId: `server-${process.pid}`,
});
sessions.replicate(StoredValueService, state.handlers, state.options);
await using server = await createServer({
  address: "127.0.0.1:0",
  extensions: [sessions],
  routes: (router) => router.service(PlainValue, { read: () => ({ bytes: state.bytes }) }),
});
using puts = connectPuts(endpoint);
const watch = notesTimes ? await watchPuts(endpoint, (revision) => times.seen(revision)) : undefined;

const answers: {
  readonly [Name in keyof ServerAnswers]: (
    bytes: number,
  ) => ServerAnswers[Name] | Promise<ServerAnswers[Name]>;
} = {
  statistics: () => {
    const { user, system } = process.cpuUsage();
    return { cpuMicros: user + system, writes: state.writes, batches: state.batches };
  },
  times: () => times.take(),
  put: async (bytes) => {
    const value = new Uint8Array(bytes).fill(0x5a);
    const atMs = sharedClockMs();
    const revision = await puts.put(`${putPrefix}one`, value);
    times.begun(revision, atMs);
    return revision;
  },
};

process.on("message", ({ number, name, bytes }: ServerQuestion) => {
  void answer(number, name, bytes).then((message) => process.send?.(message, undefined, undefined, () => {}));
});

await serveUntilTold(server.address, AbortSignal.timeout(lifeMs));
watch?.[Symbol.dispose]();

async function answer(number: number, name: keyof ServerAnswers, bytes: number): Promise<ServerAnswer> {
  try {
    return { number, answer: await answers[name](bytes) };
  } catch (error) {
    return { number, failure: textOf(error) };
  }
}
