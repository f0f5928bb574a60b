import { appendFileSync, writeSync } from "node:fs";
import { Code } from "../../../internal/errors/code.js";
import { EtcdFailure, type Transaction } from "../../../src/sessions/commit-log/etcd/etcd-client.js";
import { connectEtcd } from "../../../src/sessions/commit-log/etcd/etcd-cluster.js";
import { openLogWith } from "../../../src/sessions/commit-log/etcd/etcd-log.js";
import { readEtcdLogOptions } from "../../../src/sessions/commit-log/etcd/etcd-log-options.js";
import { startRegisterServer } from "./register-server.js";

// A server process: `server-child.ts <endpoints> <prefix> <server id> <file>`. Its guarded handler writes what it pays to
// the file, and never ends for "hang". Says where it listens, each payment that has begun, and when its state was
// replaced. An entry with "stop here" is put; then the process stops itself, and does not know whether it was.
const [endpoints = "", prefix = "", serverId = "", file = ""] = process.argv.slice(2);
const say = (line: string) => writeSync(1, `${line}\n`);
const options = { endpoints: endpoints.split(","), prefix };
const client = connectEtcd(readEtcdLogOptions(options));
let stops = 0;

const log = openLogWith(
  {
    endpoints: client.endpoints,
    transact: async (transaction, signal) => {
      const answer = await client.transact(transaction, signal);
      if (stops > 0 || !puts(transaction, "stop here")) return answer;
      stops += 1;
      say(`stops after ${answer.succeeded ? "it was put" : "nothing was put"}`);
      process.kill(process.pid, "SIGSTOP");
      throw new EtcdFailure("unknown", Code.DeadlineExceeded, "slept");
    },
    watch: (init) => client.watch(init),
    close: () => client.close(),
  },
  options,
);

const server = await startRegisterServer({
  log,
  serverId,
  checkEvery: 5,
  pay: async ({ text }) => {
    appendFileSync(file, `${text}\n`);
    say(`pays ${text}`);
    if (text === "hang") await new Promise(() => {});
    return { text: `paid ${text}` };
  },
  onEvent: (event) => {
    if (event.kind === "stateReplaced") say(`replaced, then ran ${server.register.runs.length}`);
    if (event.kind === "stopped") say(`stopped ${event.error.reason}`);
  },
});
say(server.address);

function puts({ success = [] }: Transaction, text: string): boolean {
  return success.some(({ request }) => {
    if (request?.case !== "requestPut") return false;
    const { value = new Uint8Array(0) } = request.value;
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).includes(text);
  });
}
