import { create } from "@bufbuild/protobuf";
import { Code } from "../../../../internal/errors/code.js";
import { pause } from "../../../../internal/util/pause.js";
import {
  type EtcdClient,
  EtcdFailure,
  type EtcdWatch,
  type Transaction,
  type WatchInit,
} from "../../../../src/sessions/commit-log/etcd/etcd-client.js";
import {
  type TxnRequest,
  TxnRequestSchema,
  type TxnResponse,
  WatchCreateRequestSchema,
} from "../../../../src/sessions/commit-log/etcd/gen/etcd/rpc_pb.js";
import { SimulatedStore } from "./simulated-store.js";
import { SimulatedWatch } from "./simulated-watch.js";

/** A transaction that a client has sent. */
export interface SimulatedCall {
  /** 1, 2, 3, ... over all clients. */
  readonly number: number;
  readonly client: EtcdClient;
  readonly endpoint: number;
  readonly request: TxnRequest;
}

/** What becomes of a transaction. Where it is not answered, the client gives up after `afterMs`; default at once. */
export type Fate =
  /** Carried out once that resolves; default at once. */
  | { readonly kind: "answered"; readonly after?: Promise<unknown> }
  /** Not carried out, and not answered. */
  | { readonly kind: "lost"; readonly afterMs?: number }
  /** Carried out, and not answered. */
  | { readonly kind: "unanswered"; readonly afterMs?: number }
  /** Not answered, and carried out when that resolves. */
  | { readonly kind: "late"; readonly until: Promise<unknown>; readonly afterMs?: number }
  /** Not carried out, and answered with why. */
  | { readonly kind: "refused"; readonly code: Code; readonly message: string }
  /** Carried out, and refused all the same: with it etcd is full. */
  | { readonly kind: "filling" };

/** One member, from which watches read. */
export interface SimulatedMember {
  /** The revision that its watches have come to. */
  applied: bigint;
  /** It is stopped, or cut off, and nobody is told: its watches just stay where they are. */
  isSilent: boolean;
}

/** An etcd cluster in memory, of which each client is one of a process of its own. */
export class SimulatedEtcd {
  /** Decides what becomes of each transaction. */
  plan: (call: SimulatedCall) => Fate = () => answered;
  /** Milliseconds that a message takes; none for a turn of the event loop. */
  latencyMs: (() => number) | undefined;
  /** Milliseconds by which the watches of a member are behind. */
  lagMs: () => number = () => 0;
  /** Events of one answer of a watch. */
  maxEvents: number = Number.POSITIVE_INFINITY;
  /** The members have lost each other: nothing is answered, and watches end. */
  #leaderless = false;
  #store = new SimulatedStore();
  readonly members: readonly SimulatedMember[];
  readonly #watches = new Set<SimulatedWatch>();
  #calls = 0;

  constructor(members = 3) {
    this.members = Array.from({ length: members }, () => ({ applied: 1n, isSilent: false }));
  }

  get store(): SimulatedStore {
    return this.#store;
  }

  /** Puts another store in the place of this one, as it is when a cluster is restored, or made anew. */
  set store(store: SimulatedStore) {
    this.#store = store;
    for (const member of this.members) member.applied = store.revision;
    this.wake();
  }

  /** How many watches are open. */
  get watches(): number {
    return this.#watches.size;
  }

  client(): EtcdClient {
    return new SimulatedClient(this);
  }

  /** Whether there is no leader. */
  get leaderless(): boolean {
    return this.#leaderless;
  }

  set leaderless(leaderless: boolean) {
    this.#leaderless = leaderless;
    if (leaderless) this.endWatches();
  }

  /** Has a member fall silent, or go on. */
  silence(at: number, isSilent: boolean): void {
    const member = this.members[at];
    if (member === undefined) return;
    member.isSilent = isSilent;
    if (!isSilent) member.applied = this.#store.revision;
    this.wake();
  }

  /** Ends all watches, as a member does that stops, or has no leader. */
  endWatches(): void {
    for (const watch of this.#watches) watch.end(noLeader());
  }

  /** Has all watches look for what is new. */
  wake(): void {
    for (const watch of this.#watches) watch.wake();
  }

  /** Carries a transaction out, as it is now. */
  carryOut(request: TxnRequest): TxnResponse {
    const response = this.#store.transact(request, 1n);
    const { revision } = this.#store;
    for (const member of this.members) this.#advance(member, revision);
    return response;
  }

  fateOf(client: EtcdClient, endpoint: number, request: TxnRequest): Fate {
    this.#calls += 1;
    return this.plan({ number: this.#calls, client, endpoint, request });
  }

  openWatch(init: WatchInit, endpoint: number, ended: () => void): SimulatedWatch {
    const watch: SimulatedWatch = new SimulatedWatch(this, create(WatchCreateRequestSchema, init), endpoint, {
      opened: () => {
        this.#watches.add(watch);
        if (this.#leaderless) watch.end(noLeader());
      },
      closed: () => this.#watches.delete(watch),
      failed: ended,
    });
    return watch;
  }

  async travel(signal: AbortSignal | undefined): Promise<void> {
    if (this.latencyMs === undefined) await new Promise((resolve) => setImmediate(resolve));
    else await pause(this.latencyMs(), signal ?? never);
  }

  #advance(member: SimulatedMember, revision: bigint): void {
    const lagMs = this.lagMs();
    const { store } = this;
    const reach = () => {
      if (member.isSilent || this.store !== store || member.applied >= revision) return;
      member.applied = revision;
      this.wake();
    };
    if (lagMs === 0) reach();
    else void pause(lagMs, never).then(reach);
  }
}

class SimulatedClient implements EtcdClient {
  readonly #etcd: SimulatedEtcd;
  #transactAt = 0;
  #watchAt = 0;
  readonly #closed = new AbortController();

  constructor(etcd: SimulatedEtcd) {
    this.#etcd = etcd;
  }

  get endpoints(): number {
    return this.#etcd.members.length;
  }

  async transact(transaction: Transaction, signal?: AbortSignal): Promise<TxnResponse> {
    const at = this.#transactAt;
    try {
      return await this.#transactAtMember(at, create(TxnRequestSchema, transaction), signal ?? never);
    } catch (error) {
      const isUnknown = error instanceof EtcdFailure && error.outcome === "unknown";
      if (isUnknown && this.#transactAt === at) this.#transactAt = (at + 1) % this.endpoints;
      throw error;
    }
  }

  watch(init: WatchInit): EtcdWatch {
    const at = this.#watchAt;
    return this.#etcd.openWatch(init, at, () => {
      if (this.#watchAt === at) this.#watchAt = (at + 1) % this.endpoints;
    });
  }

  close(): void {
    this.#closed.abort();
  }

  async #transactAtMember(at: number, request: TxnRequest, signal: AbortSignal): Promise<TxnResponse> {
    const etcd = this.#etcd;
    if (signal.aborted || this.#closed.signal.aborted) throw canceled();
    const fate = etcd.fateOf(this, at, request);
    await etcd.travel(signal);
    if (etcd.leaderless) throw noLeader();
    switch (fate.kind) {
      case "refused":
        throw new EtcdFailure(isFull(fate) ? "unknown" : "refused", fate.code, fate.message);
      case "lost":
        break;
      case "late":
        void fate.until.then(() => etcd.carryOut(request)).catch(() => {});
        break;
      case "filling":
        etcd.carryOut(request);
        throw new EtcdFailure("unknown", Code.ResourceExhausted, "mvcc: database space exceeded");
      default: {
        if (fate.kind === "answered") await fate.after;
        const response = etcd.carryOut(request);
        if (fate.kind !== "answered") break;
        await etcd.travel(signal);
        if (signal.aborted) throw canceled();
        return response;
      }
    }
    if (fate.afterMs !== undefined) await pause(fate.afterMs, signal);
    if (signal.aborted) throw canceled();
    throw new EtcdFailure("unknown", Code.DeadlineExceeded, "no answer");
  }
}

/** The fate of a transaction that nothing happens to. */
export const answered: Fate = { kind: "answered" };

/** Whether a transaction puts a batch. */
export function isAppend({ request }: SimulatedCall): boolean {
  return puts({ request }, "/log/");
}

/** Whether a transaction puts a key whose name has this in it. */
export function puts({ request }: Pick<SimulatedCall, "request">, part: string): boolean {
  return request.success.some(
    ({ request: op }) => op.case === "requestPut" && Buffer.from(op.value.key).includes(part),
  );
}

/** As EtcdCluster says it: nobody knows of which kind it is, of those that are carried out or those that are not. */
function isFull({ message }: { readonly message: string }): boolean {
  return message.includes("database space exceeded");
}

const never: AbortSignal = new AbortController().signal;

function noLeader(): EtcdFailure {
  return new EtcdFailure("unknown", Code.Unavailable, "etcdserver: no leader");
}

function canceled(): EtcdFailure {
  return new EtcdFailure("unknown", Code.Canceled, "canceled");
}
