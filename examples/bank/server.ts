// The server of the bank; `bank-users.json` in the folder says who may log in, and the log goes to a folder beside it:
//   node dist/examples/bank/server.js /var/lib/bank 127.0.0.1:9090
import { join } from "node:path";
import { createServer } from "quorate";
import { createSessions, openFileLog } from "quorate/sessions";
import { serveCommands } from "../storage/demo/serve-commands.js";
import type { BankServerCommands } from "./demo/commands.js";
import { Bank } from "./gen/bank/v1/bank_quorate.js";
import { BankMachine, bankStateVersion } from "./service/bank-machine.js";
import { bankService } from "./service/bank-service.js";
import { authenticatorOf } from "./service/user-file.js";

const [directory = ".", address = "127.0.0.1:9090"] = process.argv.slice(2);
const authenticate = await authenticatorOf(join(directory, "bank-users.json"));
const bank = new BankMachine();
let snapshots = 0;
let restored = false;

const sessions = createSessions({
  // Small files and many snapshots, so that the demo sees files that were forgotten, and starts that begin with one.
  log: await openFileLog({ directory: join(directory, "log"), segmentBytes: 16 * 1_024 }),
  snapshotEvery: 32,
  authenticate,
  serverId: "bank",
  onEvent: (event) => {
    if (event.kind === "snapshotSaved") snapshots++;
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
    return { joined, replayed, appliedOp, snapshots, restored, sessions: open };
  },
};
await serveCommands(commands);
