import { create, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { Code } from "../../../../internal/errors/code.js";
import { EtcdFailure } from "../../../../src/sessions/commit-log/etcd/etcd-client.js";
import {
  Compare_CompareResult as CompareResult,
  type CompareSchema,
  Compare_CompareTarget as CompareTarget,
  type KeyValue,
  KeyValueSchema,
  type RangeRequestSchema,
  type RequestOpSchema,
  type ResponseOp,
  ResponseOpSchema,
  type TxnRequest,
  TxnRequestSchema,
  type TxnResponse,
  TxnResponseSchema,
} from "../../../../src/sessions/commit-log/etcd/gen/etcd/rpc_pb.js";

/** A change of one key. */
export interface StoredEvent {
  readonly key: string;
  readonly revision: bigint;
  /** Undefined if the key was deleted. */
  readonly kv: KeyValue | undefined;
}

/** A range of keys: from the first one to the one behind the last; without an end, one key. */
export interface StoredRange {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
}

/** The keys of an etcd and all that was ever put under them, for the requests that a log makes. */
export class SimulatedStore {
  /** What etcd takes in one request. */
  maxRequestBytes: number = 1.5 * 2 ** 20;
  readonly #events: StoredEvent[] = [];
  #live = new Map<string, KeyValue>();
  #revision = 1n;
  #compacted = 0n;

  get revision(): bigint {
    return this.#revision;
  }

  /** Revisions below this one cannot be asked for any more. */
  get compacted(): bigint {
    return this.#compacted;
  }

  /** Forgets what was before a revision, but not the keys that are there. */
  compact(revision: bigint): void {
    this.#compacted = revision;
  }

  /** A store as this one was at a revision. */
  restored(revision: bigint = this.#revision): SimulatedStore {
    const copy = new SimulatedStore();
    copy.maxRequestBytes = this.maxRequestBytes;
    for (const event of this.#events) {
      if (event.revision > revision) break;
      copy.#events.push(event);
      replay(copy.#live, event);
    }
    copy.#revision = revision;
    return copy;
  }

  /** The changes from one revision up to another, in order. */
  eventsOf({ key, rangeEnd }: StoredRange, from: bigint, to: bigint): StoredEvent[] {
    const within = inRange(key, rangeEnd);
    const found: StoredEvent[] = [];
    for (let at = this.#events.length - 1; at >= 0; at--) {
      const event = this.#events[at];
      if (event === undefined || event.revision < from) break;
      if (event.revision <= to && within(event.key)) found.push(event);
    }
    return found.toReversed();
  }

  /** Carries a transaction out. Throws an EtcdFailure if etcd would refuse it. */
  transact(request: TxnRequest, clusterId: bigint): TxnResponse {
    this.#check(request);
    const succeeded = request.compare.every((compare) => this.#holds(compare));
    const next = this.#revision + 1n;
    const responses = (succeeded ? request.success : request.failure).map((op) => this.#run(op, next));
    if (this.#events.at(-1)?.revision === next) this.#revision = next;
    return create(TxnResponseSchema, {
      header: { clusterId, revision: this.#revision },
      succeeded,
      responses,
    });
  }

  #check(request: TxnRequest): void {
    for (const operations of [request.success, request.failure]) {
      if (operations.length > 128) refuse("too many operations in txn request");
      const put = new Set<string>();
      for (const { request: op } of operations) {
        if (op.case === "requestRange") this.#checkRevision(op.value.revision);
        if (op.case !== "requestPut") continue;
        const key = nameOf(op.value.key);
        if (put.has(key)) refuse("duplicate key given in txn request");
        put.add(key);
        const isLarge = op.value.value.byteLength > 65_536;
        if (isLarge && toBinary(TxnRequestSchema, request).byteLength > this.maxRequestBytes) {
          refuse("request is too large");
        }
      }
    }
  }

  #checkRevision(revision: bigint): void {
    if (revision > this.#revision) refuse("mvcc: required revision is a future revision", Code.OutOfRange);
    if (revision > 0n && revision < this.#compacted) {
      refuse("mvcc: required revision has been compacted", Code.OutOfRange);
    }
  }

  #holds({ key, result, target, targetUnion }: MessageShape<typeof CompareSchema>): boolean {
    const found = this.#live.get(nameOf(key));
    const order = () => {
      switch (target) {
        case CompareTarget.VALUE: {
          const value = targetUnion.case === "value" ? targetUnion.value : new Uint8Array();
          return Buffer.compare(found?.value ?? new Uint8Array(), value);
        }
        case CompareTarget.VERSION:
          return compareBigints(found?.version, targetUnion.case === "version" ? targetUnion.value : 0n);
        case CompareTarget.CREATE:
          return compareBigints(
            found?.createRevision,
            targetUnion.case === "createRevision" ? targetUnion.value : 0n,
          );
        default:
          return compareBigints(
            found?.modRevision,
            targetUnion.case === "modRevision" ? targetUnion.value : 0n,
          );
      }
    };
    if (target === CompareTarget.VALUE && found === undefined) return false;
    switch (result) {
      case CompareResult.EQUAL:
        return order() === 0;
      case CompareResult.GREATER:
        return order() > 0;
      case CompareResult.LESS:
        return order() < 0;
      default:
        return order() !== 0;
    }
  }

  #run({ request }: MessageShape<typeof RequestOpSchema>, revision: bigint): ResponseOp {
    switch (request.case) {
      case "requestPut": {
        const { key, value } = request.value;
        const before = this.#live.get(nameOf(key));
        const createRevision = before?.createRevision ?? revision;
        const version = (before?.version ?? 0n) + 1n;
        const kv = create(KeyValueSchema, { key, value, createRevision, modRevision: revision, version });
        this.#record({ key: nameOf(key), revision, kv });
        return create(ResponseOpSchema, { response: { case: "responsePut", value: {} } });
      }
      case "requestDeleteRange": {
        const { key, rangeEnd } = request.value;
        const keys = keysIn(this.#live, { key, rangeEnd });
        for (const name of keys) this.#record({ key: name, revision, kv: undefined });
        const value = { deleted: BigInt(keys.length) };
        return create(ResponseOpSchema, { response: { case: "responseDeleteRange", value } });
      }
      case "requestRange":
        return create(ResponseOpSchema, {
          response: { case: "responseRange", value: this.#range(request.value) },
        });
      default:
        throw new Error("an operation without a request");
    }
  }

  #range({
    key,
    keysOnly,
    limit,
    maxModRevision,
    minModRevision,
    rangeEnd,
    revision,
  }: MessageShape<typeof RangeRequestSchema>) {
    const keys = revision === 0n ? this.#live : this.restored(revision).#live;
    const all = keysIn(keys, { key, rangeEnd })
      .flatMap((name) => keys.get(name) ?? [])
      .filter(({ modRevision }) => minModRevision === 0n || modRevision >= minModRevision)
      .filter(({ modRevision }) => maxModRevision === 0n || modRevision <= maxModRevision);
    const found = limit === 0n ? all : all.slice(0, Number(limit));
    const kvs = found.map((kv) =>
      keysOnly ? create(KeyValueSchema, { ...kv, value: new Uint8Array() }) : kv,
    );
    return { kvs, more: found.length < all.length };
  }

  #record(event: StoredEvent): void {
    this.#events.push(event);
    replay(this.#live, event);
  }
}

function replay(live: Map<string, KeyValue>, { key, kv }: StoredEvent): void {
  if (kv === undefined) live.delete(key);
  else live.set(key, kv);
}

function keysIn(live: ReadonlyMap<string, KeyValue>, { key, rangeEnd }: StoredRange): string[] {
  if (rangeEnd.byteLength === 0) return live.has(nameOf(key)) ? [nameOf(key)] : [];
  return [...live.keys()].filter(inRange(key, rangeEnd)).sort();
}

function inRange(key: Uint8Array, rangeEnd: Uint8Array): (name: string) => boolean {
  const [first, end] = [nameOf(key), nameOf(rangeEnd)];
  return end === "" ? (name) => name === first : (name) => name >= first && name < end;
}

/** A text whose order is that of the bytes. */
function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1");
}

function compareBigints(a: bigint | undefined, b: bigint): number {
  const difference = (a ?? 0n) - b;
  return difference === 0n ? 0 : difference < 0n ? -1 : 1;
}

function refuse(message: string, code: Code = Code.InvalidArgument): never {
  throw new EtcdFailure("refused", code, `etcdserver: ${message}`);
}
