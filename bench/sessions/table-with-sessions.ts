import { randomBytes } from "node:crypto";
import { decodeLogRecord } from "../../src/sessions/record/decode-log-record.js";
import { encodeLogRecord } from "../../src/sessions/record/encode-log-record.js";
import { newestFormat } from "../../src/sessions/record/log-format.js";
import type { LogRecord } from "../../src/sessions/record/log-record.js";
import type { Reply } from "../../src/sessions/reply.js";
import { proposedLimits } from "../../src/sessions/session-limits.js";
import { ClientTable } from "../../src/sessions/table/client-table.js";
import type { RunReplicated } from "../../src/sessions/table/run-replicated.js";

/** A client of a table. */
export interface TableClient {
  readonly client: string;
  readonly session: number;
}

/** A table in which so many clients have registered, each by an entry as it is read from a log. */
export function tableWithSessions(sessions: number): {
  readonly table: ClientTable;
  readonly clients: readonly TableClient[];
} {
  const limits = proposedLimits({ maxSessions: sessions });
  const table = ClientTable.empty({ clusterId: hexId(), format: newestFormat, limits });
  const clients: TableClient[] = [];
  for (let op = 1; op <= sessions; op++) {
    const client = hexId();
    const entry = { kind: "register", client, user: "", nonce: hexId(), previous: 0 } as const;
    table.apply(op, decodeLogRecord(encodeLogRecord(recordOf(op, entry))), echo);
    clients.push({ client, session: op });
  }
  return { table, clients };
}

/** The record of an entry. */
export function recordOf(counter: number, entry: LogRecord["entry"]): LogRecord {
  return { id: { incarnation: "01".repeat(16), counter }, timestampMs: 1_800_000_000_000, entry };
}

/** A state machine that has no state. */
export const echo: RunReplicated = ({ payload }): Reply => ({ kind: "payload", bytes: payload });

function hexId(): string {
  return randomBytes(16).toString("hex");
}
