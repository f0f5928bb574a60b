import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import {
  type SnapshotBody,
  SnapshotBodySchema,
  SnapshotSchema,
} from "../../../src/sessions/gen/quorate/session/v1/snapshot_pb.js";
import { ClientTable } from "../../../src/sessions/table/client-table.js";
import { sha256 } from "../../../src/sessions/table/encode-snapshot.js";
import { id, TestTable, text } from "./test-table.js";

const machines = [
  { service: "a.v1.A", version: 1, state: text("a") },
  { service: "b.v1.B", version: 7, state: text("b") },
];

/** Three sessions of two users, kept replies, an open intent, a forgotten one, and one whose server is gone. */
function richTable(): TestTable {
  const test = new TestTable({ maxSessions: 4, maxSessionsPerUser: 2 });
  test.open(1, { user: "ann" });
  test.open(2, { user: "bob" });
  test.open(3, { user: "ann" });
  test.tick(2);
  for (const request of [1, 2, 3]) test.request(1, request, { respondedTo: request === 3 ? 1 : 0 });
  test.openIntent(3, 1, { serverId: "gone" });
  test.openIntent(3, 2, { serverId: "here", respondedTo: 1 });
  test.openIntent(1, 4, { serverId: "here" });
  test.put({ kind: "serverUp", serverId: "gone" });
  test.put({ kind: "configure", previousOp: 0, limits: test.genesis.limits, format: 1 });
  test.keepAlive(2);
  return test;
}

/** The snapshot with another body, sealed as if it had been written so. */
function forged(bytes: Uint8Array, change: (body: SnapshotBody) => void): Uint8Array {
  const { version, body } = fromBinary(SnapshotSchema, bytes);
  const message = fromBinary(SnapshotBodySchema, body);
  change(message);
  return sealed(version, toBinary(SnapshotBodySchema, message));
}

function sealed(version: number, body: Uint8Array): Uint8Array {
  return toBinary(SnapshotSchema, create(SnapshotSchema, { version, checksum: sha256(body), body }));
}

const first = <T>(items: readonly T[]): T => items[0] as T;

describe("a snapshot", () => {
  it("gives the same table and the same bytes again", () => {
    const test = richTable();
    const bytes = test.table.snapshot(machines);
    const restored = ClientTable.restore(bytes, test.genesis);
    expect(restored.machines).toEqual(machines);
    const { table } = restored;
    expect(table.snapshot(machines)).toEqual(bytes);
    expect([...table.sessions()]).toEqual([...test.table.sessions()]);
    expect([...table.intents()]).toEqual([...test.table.intents()]);
    for (const name of [
      "appliedOp",
      "ageMs",
      "tickOp",
      "configureOp",
      "entries",
      "limits",
      "format",
    ] as const) {
      expect(table[name], name).toEqual(test.table[name]);
    }
    expect(test.table).toMatchObject({ ageMs: 30_000, entries: 14 });
    expect(table.dueIntents()).toMatchObject([{ serverId: "gone" }]);
  });

  it("of an empty table gives an empty table", () => {
    const test = new TestTable();
    const { table } = ClientTable.restore(test.snapshot(), test.genesis);
    expect(table).toMatchObject({ size: 0, appliedOp: 0, clusterId: test.genesis.clusterId });
  });

  it("has the state machines in the order of their services, however they were registered", () => {
    const { table } = richTable();
    expect(table.snapshot(machines.toReversed())).toEqual(table.snapshot(machines));
  });

  it("holds none of the bytes that it was read from", () => {
    const test = richTable();
    const bytes = test.table.snapshot(machines);
    const copy = Uint8Array.from(bytes);
    const restored = ClientTable.restore(copy, test.genesis);
    copy.fill(0);
    expect(restored.table.snapshot(restored.machines)).toEqual(bytes);
  });

  it("does not go into the log of another cluster", () => {
    const bytes = richTable().snapshot();
    expect(() => ClientTable.restore(bytes, { clusterId: id(0xc2) })).toThrow(
      expect.objectContaining({ code: Code.FailedPrecondition, reason: "WRONG_CLUSTER" }),
    );
  });

  it("of a newer version is refused, and so is one of a log in a newer format", () => {
    const { table, genesis } = richTable();
    const bytes = table.snapshot(machines);
    const { body } = fromBinary(SnapshotSchema, bytes);
    expect(() => ClientTable.restore(sealed(2, body), genesis)).toThrow(
      expect.objectContaining({ code: Code.Unimplemented, reason: "UNKNOWN_SNAPSHOT" }),
    );
    const newer = forged(bytes, (message) => {
      message.format = 2;
    });
    expect(() => ClientTable.restore(newer, genesis)).toThrow(
      expect.objectContaining({ code: Code.Unimplemented, reason: "UNKNOWN_ENTRY" }),
    );
  });

  it.each<readonly [string, string, (body: SnapshotBody) => void]>([
    [
      "a client twice",
      "a client is in it twice",
      (body) => body.sessions.push({ ...first(body.sessions), lastUseOp: body.appliedOp }),
    ],
    [
      "an intent twice",
      "an intent is in it twice",
      (body) => body.intents.push(body.intents[2] ?? first(body.intents)),
    ],
    [
      "a state machine twice",
      "or one is in it twice",
      (body) => body.machines.push(body.machines[1] ?? first(body.machines)),
    ],
    [
      "state machines out of order",
      "state machines are not in order",
      (body) => void (body.machines = body.machines.toReversed()),
    ],
    [
      "a session number twice",
      "a session number is in it twice",
      (body) => void Object.assign(last(body.sessions), numbersOf(first(body.sessions))),
    ],
    [
      "more sessions than maxSessions",
      "more sessions than its limits allow",
      (body) => setLimits(body, { maxSessions: 2, maxSessionsPerUser: 2 }),
    ],
    [
      "more sessions of a user than its limit",
      "a user has more sessions",
      (body) => setLimits(body, { maxSessionsPerUser: 1 }),
    ],
    [
      "sessions out of order",
      "not in the order of their use",
      (body) => void (body.sessions = body.sessions.toReversed()),
    ],
    [
      "an age of last use out of order",
      "not in the order of their use",
      (body) => void (last(body.sessions).lastUseAgeMs = 0n),
    ],
    [
      "a reply too few",
      "other replies than those that are not consumed",
      (body) => void withReplies(body).kept.shift(),
    ],
    [
      "a responded-to above highest",
      "other replies than those that are not consumed",
      (body) => void (first(body.sessions).respondedTo = 9n),
    ],
    [
      "a reply that is nothing",
      "neither payload nor status",
      (body) => void (reply(body).outcome = { case: undefined }),
    ],
    [
      "a request without a reply or an intent",
      "a request without a reply has no intent",
      (body) => void (first(withReplies(body).kept).reply = undefined),
    ],
    [
      "an intent without a request",
      "an intent is not the one of its request",
      (body) => void (last(withReplies(body).kept).reply = first(withReplies(body).kept).reply),
    ],
    [
      "an intent of a client without a session",
      "an intent has no session",
      (body) => void (first(body.intents).client = new Uint8Array(16).fill(7)),
    ],
    [
      "an intent above its session's requests",
      "above the requests of its session",
      (body) => void (first(body.intents).request = 9n),
    ],
    [
      "intents out of order",
      "intents are not in order",
      (body) => void (body.intents = body.intents.toReversed()),
    ],
    [
      "an intent of the future",
      "intents are not in order",
      (body) => void (last(body.intents).ageMs = 999_999n),
    ],
    [
      "a session of the future",
      "the ops of a session are not in order",
      (body) => void (last(body.sessions).lastUseOp = 9_999n),
    ],
    [
      "a session made after its last Register",
      "the ops of a session are not in order",
      (body) => void (first(body.sessions).created = 999n),
    ],
    [
      "a reply from before its session",
      "at which its session was not there",
      (body) => void (first(withReplies(body).kept).op = 1n),
    ],
    ["limits of the future", "its limits are newer", (body) => void (body.configureOp = 9_999n)],
    ["an age of the future", "its age is newer", (body) => void (body.tickOp = 9_999n)],
    ["more entries than ops", "more entries than ops", (body) => void (body.entries = 9_999n)],
    [
      "limits that contradict each other",
      "two times tickMs",
      (body) => setLimits(body, { guardTimeoutMs: 600_000 }),
    ],
    ["no limits", "limits is missing", (body) => void (body.limits = undefined)],
    ["a client id of zero", "a client id", (body) => void (first(body.sessions).client = new Uint8Array(16))],
    [
      "a client id of 15 bytes",
      "a client id",
      (body) => void (first(body.sessions).client = new Uint8Array(15).fill(1)),
    ],
    [
      "a digest of 7 bytes",
      "digest has 7 bytes",
      (body) => void (first(withReplies(body).kept).digest = new Uint8Array(7)),
    ],
    ["a session number of zero", "session is 0", (body) => void (first(body.sessions).session = 0n)],
    ["an op above 2^53-1", "applied op is 9007199254740992", (body) => void (body.appliedOp = 2n ** 53n)],
    [
      "a field that is not known",
      "does not belong there",
      (body) => void (body.$unknown = [{ no: 99, wireType: 0, data: Uint8Array.of(1) }]),
    ],
  ])("with %s is refused, although its checksum is right: %s", (_, why, change) => {
    const test = richTable();
    const bytes = forged(test.table.snapshot(machines), change);
    expect(() => ClientTable.restore(bytes, test.genesis)).toThrow(
      expect.objectContaining({
        code: Code.DataLoss,
        reason: "DAMAGED_SNAPSHOT",
        message: expect.stringContaining(why),
      }),
    );
  });

  it("that a forger leaves as it is is taken", () => {
    const test = richTable();
    const bytes = forged(test.table.snapshot(machines), () => undefined);
    expect(bytes).toEqual(test.table.snapshot(machines));
  });
});

function last<T>(items: readonly T[]): T {
  return items[items.length - 1] as T;
}

function withReplies(body: SnapshotBody) {
  return body.sessions.find(({ kept }) => kept.length > 1) ?? first(body.sessions);
}

function reply(body: SnapshotBody) {
  const { reply: found } = first(withReplies(body).kept);
  if (found === undefined) throw new Error("there is no reply");
  return found;
}

function numbersOf({ session, created }: SnapshotBody["sessions"][number]) {
  return { session, created };
}

function setLimits(
  { limits }: SnapshotBody,
  changes: NonNullable<MessageInitShape<typeof SnapshotBodySchema>["limits"]>,
): void {
  Object.assign(limits ?? {}, changes);
}
