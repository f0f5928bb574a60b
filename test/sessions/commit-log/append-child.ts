import { writeSync } from "node:fs";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import type { CommitLog } from "../../../src/sessions/commit-log/commit-log.js";
import { openFileLog } from "../../../src/sessions/commit-log/file-log.js";
import { bytes } from "./log-helpers.js";

// A process that has a log open: `append-child.ts <folder> [<name>]`. With a name it appends for as long as it lives,
// several entries at a time, and says on stdout what is acknowledged: `<position> <entry>`, or `snapshot <position>`.
const [directory = "", name] = process.argv.slice(2);
try {
  const log = await openFileLog({ directory, segmentBytes: 4_000 });
  await log.genesis(bytes("genesis"));
  say("open");
  if (name !== undefined) await appendForEver(log, name);
  process.stdin.resume();
} catch (error) {
  say(`refused ${QuorateError.from(error).reason}`);
}

async function appendForEver(log: CommitLog, prefix: string): Promise<never> {
  let number = 0;
  for (;;) {
    const group = Array.from({ length: 1 + (number % 5) }, async () => {
      number += 1;
      const entry = `${prefix}.${number}`;
      say(`${await log.append(bytes(entry))} ${entry}`);
    });
    await Promise.all(group);
    if (number % 40 > 35) await saveSnapshot(log, (await log.tail()) - 3);
  }
}

async function saveSnapshot(log: CommitLog, op: number): Promise<void> {
  if (await log.saveSnapshot(op, bytes(`state at ${op}`))) say(`snapshot ${op}`);
}

/** Written at once: what was said before a kill is read. */
function say(line: string): void {
  writeSync(1, `${line}\n`);
}
