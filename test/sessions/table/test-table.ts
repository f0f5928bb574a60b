import { requestDigest } from "../../../src/sessions/digest.js";
import { decodeLogRecord } from "../../../src/sessions/record/decode-log-record.js";
import { encodeLogRecord } from "../../../src/sessions/record/encode-log-record.js";
import type { Genesis } from "../../../src/sessions/record/genesis.js";
import type { AcceptedStamp, Entry } from "../../../src/sessions/record/log-record.js";
import type { Reply } from "../../../src/sessions/reply.js";
import { proposedLimits, type SessionLimitOptions } from "../../../src/sessions/session-limits.js";
import { ClientTable } from "../../../src/sessions/table/client-table.js";
import type { Effect } from "../../../src/sessions/table/effect.js";
import type { ReplicatedCall, RunReplicated } from "../../../src/sessions/table/run-replicated.js";
import type { SessionView } from "../../../src/sessions/table/table-session.js";

export const text = (value: string): Uint8Array => new TextEncoder().encode(value);
export const textOf = (reply: Reply | undefined): string | undefined =>
  reply === undefined ? undefined : new TextDecoder().decode(reply.bytes);

/** A client id, or any other id of 16 bytes, out of a small number. */
export const id = (number: number): string => number.toString(16).padStart(32, "0");

export const incarnation: string = id(0xabc);

/** What a request says beside its client and number. */
export interface RequestParts {
  readonly session?: number;
  readonly respondedTo?: number;
  readonly payload?: string;
  readonly method?: string;
}

/** A table, the log that it was made by, and what its state machine was asked to run. */
export class TestTable {
  readonly genesis: Genesis;
  readonly log: { readonly op: number; readonly entry: Uint8Array }[] = [];
  readonly runs: ReplicatedCall[] = [];
  table: ClientTable;
  /** What the state machine answers; by default an echo with the op in front. */
  answer: RunReplicated = (call) => ({
    kind: "payload",
    bytes: text(`${call.op} ${new TextDecoder().decode(call.payload)}`),
  });
  #op = 7;
  #counter = 0;

  constructor(limits: SessionLimitOptions = {}) {
    this.genesis = { clusterId: id(0xc1), format: 1, limits: proposedLimits(limits) };
    this.table = ClientTable.empty(this.genesis);
  }

  readonly run: RunReplicated = (call) => {
    this.runs.push({ ...call, payload: new Uint8Array(call.payload) });
    return this.answer(call);
  };

  /** Appends the entry, and applies what can be read back of it. Ops are not contiguous. */
  put(entry: Entry, timestampMs = 1_000): Effect {
    this.#op += 3;
    this.#counter += 1;
    const bytes = encodeLogRecord({ id: { incarnation, counter: this.#counter }, timestampMs, entry });
    this.log.push({ op: this.#op, entry: bytes });
    return this.table.apply(this.#op, decodeLogRecord(bytes), this.run);
  }

  register(client: number, parts: { user?: string; nonce?: number; previous?: number } = {}): Effect {
    const { user = "ann", nonce = 1, previous = 0 } = parts;
    return this.put({ kind: "register", client: id(client), user, nonce: id(nonce), previous });
  }

  /** Registers a client that must get a session, and returns its number. */
  open(client: number, parts: { user?: string; nonce?: number; previous?: number } = {}): number {
    const effect = this.register(client, parts);
    if (!("state" in effect)) throw new Error(`the client got no session: ${JSON.stringify(effect)}`);
    return effect.state.session;
  }

  request(client: number, request: number, parts: RequestParts = {}): Effect {
    const stamp = this.stamp(client, request, parts);
    const { method = "m", payload = `r${request}` } = parts;
    return this.put({ kind: "request", stamp, method, payload: text(payload) });
  }

  intent(client: number, request: number, parts: RequestParts & { serverId?: string } = {}): Effect {
    const stamp = this.stamp(client, request, parts);
    return this.put({
      kind: "intent",
      stamp,
      method: parts.method ?? "m",
      serverId: parts.serverId ?? "server-1",
    });
  }

  /** Opens an intent that must win its number, and returns its op. */
  openIntent(client: number, request: number, parts: RequestParts & { serverId?: string } = {}): number {
    const effect = this.intent(client, request, parts);
    if (effect.kind !== "intentOpened") throw new Error(`the intent did not open: ${effect.kind}`);
    return effect.op;
  }

  /** The stamp with which a request comes; of the present session, unless another is named. */
  stamp(client: number, request: number, parts: RequestParts = {}): AcceptedStamp {
    const session = parts.session ?? this.table.session(id(client))?.session ?? 1;
    const { respondedTo = 0, method = "m", payload = `r${request}` } = parts;
    return {
      client: id(client),
      session,
      request,
      respondedTo,
      digest: requestDigest(method, text(payload)),
    };
  }

  keepAlive(client: number, respondedTo = 0, session?: number): Effect {
    const present = session ?? this.table.session(id(client))?.session ?? 1;
    return this.put({ kind: "keepAlive", client: id(client), session: present, respondedTo });
  }

  /** So many ticks that count. */
  tick(count = 1): void {
    for (let at = 0; at < count; at++) this.put({ kind: "tick", previousOp: this.table.tickOp });
  }

  session(client: number): SessionView | undefined {
    return this.table.session(id(client));
  }

  /** The session, which must be there. */
  present(client: number): SessionView {
    const session = this.session(client);
    if (session === undefined) throw new Error(`client ${client} has no session`);
    return session;
  }

  /** The session as it is now, to be compared with what it is later. */
  copy(client: number): SessionView {
    return structuredClone(this.present(client));
  }

  /** The clients that have a session, the one used least recently first. */
  clients(): number[] {
    return Array.from(this.table.sessions(), ({ client }) => Number.parseInt(client, 16));
  }

  snapshot(): Uint8Array {
    return this.table.snapshot([]);
  }
}
