import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import {
  EntryIdSchema,
  LogRecordSchema,
} from "../../../src/sessions/gen/quorate/session/v1/log_record_pb.js";
import { fromHex } from "../../../src/sessions/hex.js";
import { decodeLogRecord } from "../../../src/sessions/record/decode-log-record.js";
import { encodeLogRecord } from "../../../src/sessions/record/encode-log-record.js";
import type { Entry, LogRecord } from "../../../src/sessions/record/log-record.js";
import { proposedLimits } from "../../../src/sessions/session-limits.js";
import { id, incarnation } from "../table/test-table.js";

const number = fc.maxSafeNat();
const positive = number.map((value) => Math.max(value, 1));
const ids = fc.stringMatching(/^[0-9a-f]{31}[1-9a-f]$/);
const bytes = fc.uint8Array({ maxLength: 20 });
const string = fc.string({ unit: "grapheme", maxLength: 8 });
const reply = fc.record({ kind: fc.constantFrom("payload" as const, "status" as const), bytes });
const digest = fc.stringMatching(/^[0-9a-f]{16}$/);
const stamp = fc
  .record({ client: ids, session: positive, request: positive, respondedTo: number, digest })
  .map((one) => ({ ...one, respondedTo: one.respondedTo % one.request }));
const of = <Rest>(kind: Entry["kind"], rest: { [Key in keyof Rest]: fc.Arbitrary<Rest[Key]> }) =>
  fc.record({ kind: fc.constant(kind), ...rest }) as unknown as fc.Arbitrary<Entry>;

const entryOf = {
  request: fc.record({
    kind: fc.constant("request" as const),
    stamp,
    method: string,
    payload: fc.uint8Array({ maxLength: 300 }),
  }),
};
const entries: fc.Arbitrary<Entry>[] = [
  of("register", { client: ids, user: string, nonce: ids, previous: number }),
  of("unregister", { client: ids, session: positive }),
  of("keepAlive", { client: ids, session: positive, respondedTo: number }),
  entryOf.request,
  of("refused", { stamp, status: bytes }),
  of("intent", { stamp, method: string, serverId: string }),
  of("call", { user: string, method: string, payload: bytes }),
  of("result", { intentOp: positive, reply }),
  of("verdict", { intentOp: positive }),
  of("expire", { client: ids, session: positive, lastUseOp: positive }),
  of("serverUp", { serverId: string }),
  of("tick", { previousOp: number }),
  of("configure", {
    previousOp: number,
    limits: fc.constant(proposedLimits({ maxInFlight: 3 })),
    format: fc.constant(1),
  }),
  of("check", { op: positive, hash: ids }),
];
const records: fc.Arbitrary<LogRecord> = fc.record({
  id: fc.record({ incarnation: ids, counter: number }),
  timestampMs: number,
  entry: fc.oneof(...entries),
});

type EntryInit = NonNullable<MessageInitShape<typeof LogRecordSchema>["entry"]>;
interface Init {
  /** Null for none. */
  readonly id?: { readonly incarnation: Uint8Array } | null;
  readonly entry?: EntryInit;
}

function encode({ id: given, entry = { case: undefined } }: Init): Uint8Array {
  const entryId = given === undefined ? { incarnation: fromHex(incarnation), counter: 1n } : given;
  const record = create(LogRecordSchema, { timestampMs: 1n, entry });
  if (entryId !== null) record.id = create(EntryIdSchema, entryId);
  return toBinary(LogRecordSchema, record);
}

const client = fromHex(id(1));
const goodStamp = { client, session: 1n, request: 1n, digest: new Uint8Array(8) };
const unknown = expect.objectContaining({ code: Code.Unimplemented, reason: "UNKNOWN_ENTRY" });
const damaged = expect.objectContaining({ code: Code.DataLoss, reason: "DAMAGED_ENTRY" });

describe("an entry of the log", () => {
  it("that is a request has the bytes that protobuf-es would write", () => {
    fc.assert(
      fc.property(ids, number, number, entryOf.request, (incarnationHex, counter, timestampMs, entry) => {
        const { stamp: one, method, payload } = entry;
        const message = create(LogRecordSchema, {
          id: { incarnation: fromHex(incarnationHex), counter: BigInt(counter) },
          timestampMs: BigInt(timestampMs),
          entry: {
            case: "request",
            value: {
              stamp: {
                client: fromHex(one.client),
                session: BigInt(one.session),
                request: BigInt(one.request),
                respondedTo: BigInt(one.respondedTo),
                digest: fromHex(one.digest),
              },
              method,
              payload,
            },
          },
        });
        const id = { incarnation: incarnationHex, counter };
        expect(encodeLogRecord({ id, timestampMs, entry })).toEqual(toBinary(LogRecordSchema, message));
      }),
      { numRuns: 500 },
    );
  });

  it("of every kind is read back as it was written", () => {
    const kinds = new Set<string>();
    fc.assert(
      fc.property(records, (record) => {
        kinds.add(record.entry.kind);
        expect(decodeLogRecord(encodeLogRecord(record))).toEqual(record);
      }),
      { numRuns: 1_000 },
    );
    expect(kinds.size).toBe(entries.length);
  });

  it("of an unknown kind stops the server", () => {
    const bytesOfNewKind = Uint8Array.from([...encode({}), 0x8a, 0x01, 0x00]);
    expect(() => decodeLogRecord(bytesOfNewKind)).toThrow(unknown);
  });

  it.each<readonly [string, EntryInit, (record: ReturnType<typeof parse>) => object | undefined]>([
    ["itself", { case: "tick", value: {} }, (record) => record],
    ["its id", { case: "tick", value: {} }, (record) => record.id],
    ["what it says", { case: "tick", value: {} }, ({ entry }) => entry.value],
    [
      "a stamp",
      { case: "request", value: { stamp: goodStamp } },
      ({ entry }) => (entry.case === "request" ? entry.value.stamp : undefined),
    ],
    [
      "a reply",
      { case: "result", value: { intentOp: 1n, reply: { outcome: { case: "payload", value: client } } } },
      ({ entry }) => (entry.case === "result" ? entry.value.reply : undefined),
    ],
    [
      "limits",
      { case: "configure", value: { limits: proposedLimits(), format: 1 } },
      ({ entry }) => (entry.case === "configure" ? entry.value.limits : undefined),
    ],
  ])("with an unknown field in %s stops the server", (_, entry, place) => {
    const good = encode({ entry });
    decodeLogRecord(good);
    const record = parse(good);
    Object.assign(place(record) ?? {}, { $unknown: [{ no: 99, wireType: 0, data: Uint8Array.of(1) }] });
    expect(() => decodeLogRecord(toBinary(LogRecordSchema, record))).toThrow(unknown);
  });

  it.each<readonly [string, Init]>([
    ["nothing to say", {}],
    ["no id", { id: null, entry: { case: "tick", value: {} } }],
    [
      "an incarnation of 3 bytes",
      { id: { incarnation: new Uint8Array(3) }, entry: { case: "tick", value: {} } },
    ],
    ["a number above 2^53-1", { entry: { case: "tick", value: { previousOp: 2n ** 53n } } }],
    [
      "a client id of zero",
      { entry: { case: "unregister", value: { client: new Uint8Array(16), session: 1n } } },
    ],
    ["a session of zero", { entry: { case: "unregister", value: { client } } }],
    ["no stamp", { entry: { case: "request", value: {} } }],
    ["a request of zero", { entry: { case: "request", value: { stamp: { ...goodStamp, request: 0n } } } }],
    [
      "a responded-to of its request",
      { entry: { case: "intent", value: { stamp: { ...goodStamp, respondedTo: 1n } } } },
    ],
    [
      "a digest of 7 bytes",
      { entry: { case: "refused", value: { stamp: { ...goodStamp, digest: new Uint8Array(7) } } } },
    ],
    ["no nonce", { entry: { case: "register", value: { client } } }],
    ["no reply", { entry: { case: "result", value: { intentOp: 1n } } }],
    ["an empty reply", { entry: { case: "result", value: { intentOp: 1n, reply: {} } } }],
    ["an intent at op 0", { entry: { case: "verdict", value: {} } }],
    ["no limits", { entry: { case: "configure", value: { format: 1 } } }],
    ["limits of zero", { entry: { case: "configure", value: { limits: {}, format: 1 } } }],
  ])("with %s is damaged", (_, init) => {
    expect(() => decodeLogRecord(encode(init))).toThrow(damaged);
  });

  it("that is anything else throws nothing else, and takes no bytes as an entry", () => {
    expect(() => decodeLogRecord(new Uint8Array(0))).toThrow(damaged);
    const changed = fc
      .tuple(records, fc.nat(), fc.integer({ min: 1, max: 255 }))
      .map(([record, at, flip]) => {
        const good = Uint8Array.from(encodeLogRecord(record));
        good[at % good.length] = (good[at % good.length] ?? 0) ^ flip;
        return good;
      });
    fc.assert(
      fc.property(fc.oneof(changed, fc.uint8Array({ maxLength: 60 })), (input) => {
        expect(reasonOf(input)).toMatch(/^(none|(UNKNOWN|DAMAGED)_ENTRY)$/);
      }),
      { numRuns: 2_000 },
    );
  });

  it("has replies on bytes of their own, so that the table does not hold what it was read from", () => {
    const status = Uint8Array.of(1, 2, 3);
    const refused = {
      kind: "refused",
      stamp: { client: id(1), session: 1, request: 1, respondedTo: 0, digest: "0".repeat(16) },
      status,
    } as const;
    const input = encodeLogRecord({ id: { incarnation, counter: 1 }, timestampMs: 1, entry: refused });
    const { entry } = decodeLogRecord(input);
    input.fill(0);
    expect(entry).toEqual(refused);
  });
});

/** Why the bytes are no entry; "none" if they are one. */
function reasonOf(input: Uint8Array): string {
  try {
    decodeLogRecord(input);
    return "none";
  } catch (error) {
    return error instanceof QuorateError ? (error.reason ?? "no reason") : `not ours: ${error}`;
  }
}

function parse(input: Uint8Array) {
  return fromBinary(LogRecordSchema, input);
}
