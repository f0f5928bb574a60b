import { describe, expect, it } from "vitest";
import { Code } from "../../../../internal/errors/code.js";
import {
  type EtcdClient,
  EtcdFailure,
  type Transaction,
} from "../../../../src/sessions/commit-log/etcd/etcd-client.js";
import { connectEtcd } from "../../../../src/sessions/commit-log/etcd/etcd-cluster.js";
import { bytesOf, textOf } from "../../../../src/sessions/commit-log/etcd/etcd-keys.js";
import {
  Compare_CompareResult as CompareResult,
  WatchCreateRequest_FilterType as FilterType,
  type KeyValue,
  Compare_CompareTarget as Target,
} from "../../../../src/sessions/commit-log/etcd/gen/etcd/rpc_pb.js";
import {
  type Condition,
  get,
  isThere,
  type Operation,
  put,
  remove,
} from "../../../../src/sessions/commit-log/etcd/transactions.js";
import { checkLeaks } from "../../../helpers/leaks.js";
import { type Random, seededRandom } from "../../../helpers/seeded-random.js";
import { useEtcd } from "../../../helpers/use-etcd.js";
import { answered, SimulatedEtcd } from "./simulated-etcd.js";

checkLeaks();

const transactions = 400;
const all = { key: bytesOf("a"), rangeEnd: bytesOf("z") };

describe("SimulatedEtcd, beside etcd", () => {
  const running = useEtcd();

  it("answers transactions and watches as etcd does", async () => {
    const { endpoints } = running();
    const real = connectEtcd({ endpoints, auth: undefined, tls: undefined, tryTimeoutMs: 10_000 });
    const etcd = new SimulatedEtcd(1);
    const simulated = etcd.client();
    const random = seededRandom(1);
    const succeeded = new Set<boolean>();
    const errors = new Set<string>();
    try {
      for (let at = 0; at < transactions; at++) {
        const transaction = randomTransaction(random, etcd.store.revision);
        const [theirs, ours] = await Promise.all([told(real, transaction), told(simulated, transaction)]);
        expect(ours, JSON.stringify(transaction, jsonOf)).toEqual(theirs);
        if ("succeeded" in ours) succeeded.add(ours.succeeded);
        else errors.add(ours.message);
      }
      // What the watches below wait for.
      for (const client of [real, simulated])
        await client.transact({ success: [put(bytesOf("y"), bytesOf("last"))] });
      // Else little was compared.
      expect(succeeded).toEqual(new Set([false, true]));
      expect([...errors].some((message) => message.includes("duplicate key"))).toBe(true);
      const { revision } = etcd.store;
      expect(revision).toBeGreaterThan(100n);
      const compacted = revision / 2n;
      await compact(endpoints[0], compacted);
      etcd.store.compact(compacted);
      for (const near of [-1n, 0n, 1n]) {
        const startRevision = compacted + near;
        const [theirs, ours] = await Promise.all(
          [real, simulated].map((client) => watched(client, startRevision, revision)),
        );
        expect(ours, `a watch from ${near}`).toEqual(theirs);
        const atRevision = { success: [get(all.key, { ...all, revision: startRevision })] };
        expect(await told(simulated, atRevision)).toEqual(await told(real, atRevision));
      }
      expect(await told(simulated, { success: [get(all.key, all)] })).toEqual(
        await told(real, { success: [get(all.key, all)] }),
      );
    } finally {
      real.close();
      simulated.close();
    }
  });
});

describe("SimulatedEtcd", () => {
  it("carries out what fills it, and refuses it all the same, as etcd does", async () => {
    const etcd = new SimulatedEtcd(1);
    etcd.plan = ({ number }) => (number === 1 ? { kind: "filling" } : answered);
    const client = etcd.client();
    const key = bytesOf("a");
    expect(await told(client, { success: [put(key, key)] })).toEqual({
      code: Code.ResourceExhausted,
      message: "etcd: mvcc: database space exceeded",
    });
    expect(await told(client, { compare: [isThere(key)] })).toMatchObject({ succeeded: true });
  });
});

type Told =
  | { readonly succeeded: boolean; readonly rest: unknown }
  | { readonly code: Code; readonly message: string };

/** All of an answer that a log looks at. */
async function told(client: EtcdClient, transaction: Transaction): Promise<Told> {
  try {
    const { header, responses, succeeded } = await client.transact(transaction);
    const ranges = responses.map(({ response }) => {
      if (response.case === "responseRange") return [response.value.more, response.value.kvs.map(tell)];
      return response.case === "responseDeleteRange" ? response.value.deleted : response.case;
    });
    return { succeeded, rest: [header?.revision, ranges] };
  } catch (error) {
    if (!(error instanceof EtcdFailure)) throw error;
    return { code: error.code, message: error.message };
  }
}

function tell({ createRevision, key, modRevision, value, version }: KeyValue) {
  return { createRevision, key: textOf(key), modRevision, value: textOf(value), version };
}

/** What a watch says up to a revision: of several answers at once, and of revisions, nothing. */
async function watched(client: EtcdClient, startRevision: bigint, to: bigint): Promise<unknown[]> {
  const events: unknown[] = [];
  const watch = client.watch({ ...all, startRevision, filters: [FilterType.NODELETE], fragment: true });
  for await (const { canceled, compactRevision, events: next } of watch) {
    if (canceled) events.push({ compactRevision });
    for (const { kv, type } of next) if (kv !== undefined) events.push({ type, kv: tell(kv) });
    if (canceled || next.some(({ kv }) => kv?.modRevision === to)) break;
  }
  return events;
}

const names = ["a", "b", "c", "d", "e/1", "e/2", "e/3"];

function randomTransaction(random: Random, revision: bigint): Transaction {
  const some = (below: number) => Math.floor(random() * below);
  const name = () => bytesOf(names[some(names.length)] ?? "");
  const value = () => bytesOf(String(some(12)).padStart(random() < 0.9 ? 2 : 1, "0"));
  const compare = Array.from({ length: some(3) }, () => randomCondition(random, name(), value(), revision));
  const puts = (): Operation[] => [name(), name()].slice(some(2)).map((key) => put(key, value()));
  const ranges = (): Operation[] => [
    get(name()),
    get(all.key, {
      ...all,
      limit: BigInt(some(5)),
      keysOnly: random() < 0.3,
      minModRevision: random() < 0.3 ? BigInt(some(Number(revision))) : 0n,
      maxModRevision: random() < 0.3 ? BigInt(some(Number(revision))) : 0n,
      revision: random() < 0.2 ? BigInt(some(Number(revision) + 2)) : 0n,
    }),
  ];
  const kinds: readonly (() => Operation[])[] = [
    puts,
    puts,
    puts,
    ranges,
    () => [...ranges(), ...puts()],
    () => [...puts(), ...ranges()],
    () => [remove(name())],
    () => [remove(bytesOf("e/"), bytesOf("e0")), put(bytesOf("a"), value())],
  ];
  const operations = () => kinds[some(kinds.length)]?.() ?? [];
  return { compare, success: operations(), failure: operations() };
}

function randomCondition(random: Random, key: Uint8Array, value: Uint8Array, revision: bigint): Condition {
  const results = [CompareResult.EQUAL, CompareResult.LESS, CompareResult.GREATER, CompareResult.NOT_EQUAL];
  const result = results[Math.floor(random() * results.length)] ?? CompareResult.EQUAL;
  const version = BigInt(Math.floor(random() * 4));
  const near = revision - version;
  const targets = [
    { target: Target.VERSION, targetUnion: { case: "version" as const, value: version } },
    { target: Target.VALUE, targetUnion: { case: "value" as const, value } },
    { target: Target.MOD, targetUnion: { case: "modRevision" as const, value: near } },
    { target: Target.CREATE, targetUnion: { case: "createRevision" as const, value: near } },
  ];
  const about = targets[Math.floor(random() * targets.length)];
  return about === undefined ? isThere(key) : { key, result, ...about };
}

async function compact(endpoint: string | undefined, revision: bigint): Promise<void> {
  const body = JSON.stringify({ revision: String(revision) });
  const response = await fetch(`http://${endpoint}/v3/kv/compaction`, { method: "POST", body });
  await response.text();
  expect(response.status).toBe(200);
}

function jsonOf(_: string, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  return value instanceof Uint8Array ? textOf(value) : value;
}
