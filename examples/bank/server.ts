// The server of the bank; `bank-users.json` in the folder says who may log in, and the log goes to a folder beside it:
//   node dist/examples/bank/server.js /var/lib/bank 127.0.0.1:9090
// or to etcd, for several servers, each with an id of its own:
//   node dist/examples/bank/server.js /var/lib/bank 127.0.0.1:9090 --etcd 127.0.0.1:2379,127.0.0.1:3379 --id bank-1
import { createHash } from "node:crypto";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createServer } from "quorate";
import { createSessions } from "quorate/sessions";
import { serveCommands } from "../storage/demo/serve-commands.js";
import type { BankServerCommands } from "./demo/commands.js";
import { Bank } from "./gen/bank/v1/bank_quorate.js";
import { openBankLog } from "./service/bank-log.js";
import { BankMachine, bankStateVersion } from "./service/bank-machine.js";
import { bankService } from "./service/bank-service.js";
import { authenticatorOf } from "./service/user-file.js";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { etcd: { type: "string" }, id: { type: "string", default: "bank" } },
});
const [directory = ".", address = "127.0.0.1:9090"] = positionals;
const authenticate = await authenticatorOf(join(directory, "bank-users.json"));
const bank = new BankMachine();
let snapshots = 0;
let restored = false;
let reloads = 0;

const sessions = createSessions({
  ...(await openBankLog(directory, values.etcd?.split(","))),
  authenticate,
  serverId: values.id,
  onEvent: (event) => {
    if (event.kind === "snapshotSaved") snapshots++;
    if (event.kind === "stateReplaced") reloads++;
    if ("error" in event) console.error(`bank server: ${event.kind}: ${event.error}`);
  },
});
sessions.replicate(Bank, bankService(bank), {
  version: bankStateVersion,
  snapshot: () => bank.snapshot(),
  restore: (bytes, version) => {
    bank.restore(bytes, version);
    restored = true;
  },
});
// A state that cannot be trusted is of no use to anybody; what is in the log is not touched.
sessions.stopped.addEventListener("abort", () => process.exit(1));

await using server = await createServer({ address, extensions: [sessions] });
console.error(`bank server listens on ${server.address}`);

const commands: BankServerCommands = {
  address: async () => server.address,
  hasTransfer: async (transferId) => bank.hasTransfer(transferId),
  status: async () => {
    const { counters, appliedOp, sessions: open } = sessions.snapshot();
    const { joined, replayed } = counters;
    return { joined, replayed, pid: process.pid, appliedOp, snapshots, restored, reloads, sessions: open };
  },
  state: async () => {
    const { appliedOp: op, sessions: open } = sessions.snapshot();
    return { op, digest: createHash("sha256").update(bank.snapshot()).digest("hex"), sessions: open };
  },
};
await serveCommands(commands);
