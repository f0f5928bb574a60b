import { createHash } from "node:crypto";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  type SessionStateSchema,
  SnapshotBodySchema,
  SnapshotSchema,
} from "../gen/quorate/session/v1/snapshot_pb.js";
import { fromHex } from "../hex.js";
import { replyInit } from "../record/encode-log-record.js";
import type { MachineSnapshot } from "./machine-snapshot.js";
import type { KeptRequest, SessionView } from "./table-session.js";
import type { TableState } from "./table-state.js";

/** The version of the snapshots that this version writes and reads. */
export const snapshotVersion = 1;

/** The bytes of a snapshot: the same state makes the same bytes, in whatever way it came about. */
export function encodeSnapshot(state: TableState, machines: readonly MachineSnapshot[]): Uint8Array {
  const body = encodeBody(state, machines);
  const snapshot = create(SnapshotSchema, { version: snapshotVersion, checksum: sha256(body), body });
  return toBinary(SnapshotSchema, snapshot);
}

/** SHA-256 over the bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(createHash("sha256").update(bytes).digest());
}

/** What a snapshot has beside its version and checksum. */
export function encodeBody(state: TableState, machines: readonly MachineSnapshot[]): Uint8Array {
  const { format, limits } = state;
  const body = create(SnapshotBodySchema, {
    clusterId: fromHex(state.clusterId),
    appliedOp: BigInt(state.appliedOp),
    format,
    limits,
    configureOp: BigInt(state.configureOp),
    ageMs: BigInt(state.ageMs),
    tickOp: BigInt(state.tickOp),
    timestampMs: BigInt(state.timestampMs),
    entries: BigInt(state.entries),
    sessions: Array.from(state.sessions, sessionInit),
    intents: Array.from(state.intents, ({ op, client, request, serverId, ageMs, serverGone }) => ({
      op: BigInt(op),
      client: fromHex(client),
      request: BigInt(request),
      serverId,
      ageMs: BigInt(ageMs),
      serverGone,
    })),
    // Registration order may differ from server to server.
    machines: [...machines].sort((a, b) => (a.service < b.service ? -1 : 1)),
  });
  return toBinary(SnapshotBodySchema, body);
}

function sessionInit(session: SessionView): MessageInitShape<typeof SessionStateSchema> {
  return {
    client: fromHex(session.client),
    session: BigInt(session.session),
    created: BigInt(session.created),
    user: session.user,
    nonce: fromHex(session.nonce),
    highest: BigInt(session.highest),
    respondedTo: BigInt(session.respondedTo),
    lastUseOp: BigInt(session.lastUseOp),
    lastUseAgeMs: BigInt(session.lastUseAgeMs),
    kept: session.kept.map(keptInit),
  };
}

function keptInit({
  digest,
  op,
  reply,
}: KeptRequest): NonNullable<MessageInitShape<typeof SessionStateSchema>["kept"]>[number] {
  const kept = { digest: fromHex(digest), op: BigInt(op) };
  return reply === undefined ? kept : { ...kept, reply: replyInit(reply) };
}
