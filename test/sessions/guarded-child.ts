import { appendFileSync, writeSync } from "node:fs";
import { createServer } from "../../src/server/create-server.js";
import { defineService } from "../../src/service/quorate-service.js";
import { openFileLog } from "../../src/sessions/commit-log/file-log.js";
import { createSessions } from "../../src/sessions/server/create-sessions.js";
import { Payments as Descriptor } from "../gen/payments/v1/payments_pb.js";

// A server process: `guarded-child.ts <folder of the log> <file>`. Its guarded handler writes what it pays to the file,
// and never ends for "hang". Says where it listens, and each payment that has begun.
const [directory = "", file = ""] = process.argv.slice(2);
// Not the generated one, which imports the built package.
const Payments = defineService(Descriptor, { pay: "rpc", paid: "rpc" });
const sessions = createSessions({ log: await openFileLog({ directory }) });
sessions.guard(Payments, {
  pay: async ({ text }) => {
    appendFileSync(file, `${text}\n`);
    writeSync(1, `pays ${text}\n`);
    if (text === "hang") await new Promise(() => {});
    return { text: `paid ${text}` };
  },
  paid: () => ({}),
});
const server = await createServer({ address: "127.0.0.1:0", extensions: [sessions] });
writeSync(1, `${server.address}\n`);
