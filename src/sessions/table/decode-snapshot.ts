import { fromBinary } from "@bufbuild/protobuf";
import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import {
  type IntentState,
  type KeptState,
  type SessionState,
  type SnapshotBody,
  SnapshotBodySchema,
  SnapshotSchema,
} from "../gen/quorate/session/v1/snapshot_pb.js";
import { checkFormat } from "../record/log-format.js";
import {
  FieldProblem,
  readClient,
  readDigest,
  readId,
  readLimits,
  readNumber,
  readReply,
} from "../record/read-field.js";
import { damagedSnapshot, wrongCluster } from "../session-errors.js";
import { checkSnapshotState } from "./check-snapshot-state.js";
import { encodeSnapshot, sha256, snapshotVersion } from "./encode-snapshot.js";
import type { MachineSnapshot } from "./machine-snapshot.js";
import type { OpenIntent } from "./open-intents.js";
import type { KeptRequest, TableSession } from "./table-session.js";
import { emptyState, type TableState } from "./table-state.js";

/** What a snapshot holds. */
export interface DecodedSnapshot {
  readonly state: TableState;
  readonly machines: readonly MachineSnapshot[];
}

/**
 * Reads a snapshot of the log with this cluster id; holds none of its bytes. Whatever was not written exactly so by
 * `encodeSnapshot`, out of a state that entries can lead to, is refused.
 *
 * @throws QuorateError DataLoss, `DAMAGED_SNAPSHOT`; Unimplemented, `UNKNOWN_SNAPSHOT`, for a version that is not known
 * here, and `UNKNOWN_ENTRY` for such a format of the log; FailedPrecondition, `WRONG_CLUSTER`.
 */
export function decodeSnapshot(bytes: Uint8Array, clusterId: string): DecodedSnapshot {
  const body = openSnapshot(bytes);
  try {
    const found = readId("cluster id", body.clusterId);
    if (found !== clusterId) throw wrongCluster("the snapshot");
    checkFormat(body.format);
    const state = readState(body, clusterId);
    const machines = body.machines.map(({ service, version, state: machine }) => ({
      service,
      version,
      state: new Uint8Array(machine),
    }));
    checkSnapshotState(state, machines);
    // Nothing may be in the bytes that the state does not have: it would be lost with the next snapshot.
    if (Buffer.compare(encodeSnapshot(state, machines), bytes) !== 0) {
      throw damagedSnapshot("it has something that does not belong there");
    }
    return { state, machines };
  } catch (error) {
    if (error instanceof FieldProblem) throw damagedSnapshot(error.message);
    throw error;
  }
}

function openSnapshot(bytes: Uint8Array): SnapshotBody {
  const { version, checksum, body } = parse(() => fromBinary(SnapshotSchema, bytes));
  const isWhole = Buffer.compare(sha256(body), checksum) === 0;
  // Bytes of anything else may read as a version, too.
  if (!isWhole) throw damagedSnapshot("its checksum does not fit: it is torn, or no snapshot at all");
  if (version !== snapshotVersion) {
    throw new QuorateError(
      Code.Unimplemented,
      `quorate: the snapshot of the sessions has version ${version}, and only ${snapshotVersion} is known here: update`,
      { reason: "UNKNOWN_SNAPSHOT" },
    );
  }
  return parse(() => fromBinary(SnapshotBodySchema, body));
}

function parse<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw damagedSnapshot("it cannot be decoded", error);
  }
}

function readState(body: SnapshotBody, clusterId: string): TableState {
  const state: TableState = {
    ...emptyState({ clusterId, format: body.format, limits: readLimits(body.limits) }),
    configureOp: readNumber("configure op", body.configureOp),
    appliedOp: readNumber("applied op", body.appliedOp),
    ageMs: readNumber("age", body.ageMs),
    tickOp: readNumber("tick op", body.tickOp),
    timestampMs: readNumber("timestamp", body.timestampMs),
    entries: readNumber("entries", body.entries),
  };
  for (const session of body.sessions.map(readSession)) {
    if (state.sessions.get(session.client) !== undefined) throw new FieldProblem("a client is in it twice");
    state.sessions.add(session);
  }
  for (const intent of body.intents.map(readIntent)) {
    if (state.intents.get(intent.op) !== undefined) throw new FieldProblem("an intent is in it twice");
    state.intents.add(intent);
  }
  return state;
}

function readSession(message: SessionState): TableSession {
  return {
    client: readClient(message.client),
    session: readNumber("session", message.session, 1),
    created: readNumber("created", message.created, 1),
    user: message.user,
    nonce: readId("nonce", message.nonce),
    highest: readNumber("highest", message.highest),
    respondedTo: readNumber("responded-to", message.respondedTo),
    lastUseOp: readNumber("last-use op", message.lastUseOp, 1),
    lastUseAgeMs: readNumber("age at last use", message.lastUseAgeMs),
    kept: message.kept.map(readKept),
  };
}

function readKept({ digest, op, reply }: KeptState): KeptRequest {
  return {
    digest: readDigest(digest),
    op: readNumber("op of a reply", op, 1),
    reply: reply === undefined ? undefined : readReply(reply),
  };
}

function readIntent({ op, client, request, serverId, ageMs, serverGone }: IntentState): OpenIntent {
  return {
    op: readNumber("intent op", op, 1),
    client: readClient(client),
    request: readNumber("request", request, 1),
    serverId,
    ageMs: readNumber("age of an intent", ageMs),
    serverGone,
  };
}
