import { create } from "@bufbuild/protobuf";
import { Code } from "../../../../internal/errors/code.js";
import { EtcdFailure, type EtcdWatch } from "../../../../src/sessions/commit-log/etcd/etcd-client.js";
import {
  type Event,
  Event_EventType,
  EventSchema,
  type WatchCreateRequest,
  WatchCreateRequest_FilterType,
  type WatchResponse,
  WatchResponseSchema,
} from "../../../../src/sessions/commit-log/etcd/gen/etcd/rpc_pb.js";
import type { SimulatedMember } from "./simulated-etcd.js";
import type { SimulatedStore, StoredEvent } from "./simulated-store.js";

/** What a watch reads from. */
export interface WatchedEtcd {
  readonly members: readonly SimulatedMember[];
  readonly store: SimulatedStore;
  readonly maxEvents: number;
  travel(signal: AbortSignal | undefined): Promise<void>;
}

/** Whom a watch tells of its life. */
export interface WatchListener {
  readonly opened: () => void;
  readonly closed: () => void;
  /** It has ended with an error. */
  readonly failed: () => void;
}

/** A watch at one member. */
export class SimulatedWatch implements EtcdWatch {
  readonly #etcd: WatchedEtcd;
  readonly #request: WatchCreateRequest;
  readonly #at: number;
  readonly #listener: WatchListener;
  #failure: EtcdFailure | undefined;
  #wake = () => {};

  constructor(etcd: WatchedEtcd, request: WatchCreateRequest, at: number, listener: WatchListener) {
    this.#etcd = etcd;
    this.#request = request;
    this.#at = at;
    this.#listener = listener;
  }

  cancel(): void {
    this.end(new EtcdFailure("unknown", Code.Canceled, "the watch was canceled"));
  }

  /** Ends it with an error. */
  end(failure: EtcdFailure): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    this.#listener.failed();
    this.#wake();
  }

  /** There may be something new. */
  wake(): void {
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WatchResponse, void, undefined> {
    const etcd = this.#etcd;
    this.#listener.opened();
    try {
      await etcd.travel(undefined);
      // Before it has an answer, a stopped member says nothing either.
      while (this.#member.isSilent) await this.#news();
      yield this.#respond({ created: true });
      const { startRevision } = this.#request;
      let next = startRevision === 0n ? this.#member.applied + 1n : startRevision;
      while (true) {
        const { compacted, revision } = etcd.store;
        if (next < compacted && next <= revision && !this.#member.isSilent) {
          yield this.#respond({ canceled: true, compactRevision: compacted });
          return;
        }
        const events = etcd.store.eventsOf(this.#request, next, this.#member.applied);
        const last = events.at(-1);
        if (last === undefined) {
          await this.#news();
          continue;
        }
        next = last.revision + 1n;
        const wanted = events.filter((event) => this.#isWanted(event));
        for (let from = 0; from < wanted.length; from += etcd.maxEvents) {
          await etcd.travel(undefined);
          yield this.#respond({ events: wanted.slice(from, from + etcd.maxEvents).map(toEvent) });
        }
      }
    } finally {
      this.#listener.closed();
    }
  }

  get #member(): SimulatedMember {
    const member = this.#etcd.members[this.#at];
    if (member === undefined) throw new Error(`there is no member ${this.#at}`);
    return member;
  }

  async #news(): Promise<void> {
    this.#throwIfEnded();
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#throwIfEnded();
  }

  #throwIfEnded(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #isWanted({ kv }: StoredEvent): boolean {
    const { filters } = this.#request;
    const left =
      kv === undefined ? WatchCreateRequest_FilterType.NODELETE : WatchCreateRequest_FilterType.NOPUT;
    return !filters.includes(left);
  }

  #respond(response: Partial<Omit<WatchResponse, "$typeName" | "$unknown">>): WatchResponse {
    this.#throwIfEnded();
    const header = { clusterId: 1n, revision: this.#member.applied };
    return create(WatchResponseSchema, { ...response, header });
  }
}

function toEvent({ key, kv, revision }: StoredEvent): Event {
  if (kv !== undefined) return create(EventSchema, { type: Event_EventType.PUT, kv });
  const deleted = { key: Uint8Array.from(Buffer.from(key, "latin1")), modRevision: revision };
  return create(EventSchema, { type: Event_EventType.DELETE, kv: deleted });
}
