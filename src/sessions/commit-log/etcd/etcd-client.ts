import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Code } from "../../../../internal/errors/code.js";
import { QuorateError } from "../../../../internal/errors/quorate-error.js";
import type {
  TxnRequestSchema,
  TxnResponse,
  WatchCreateRequestSchema,
  WatchResponse,
} from "./gen/etcd/rpc_pb.js";

/** A transaction; see etcd's API. */
export type Transaction = MessageInitShape<typeof TxnRequestSchema>;

/** What is to be watched; see etcd's API. */
export type WatchInit = MessageInitShape<typeof WatchCreateRequestSchema>;

/** What the log needs of an etcd cluster. */
export interface EtcdClient {
  /** How many endpoints there are to try. */
  readonly endpoints: number;
  /**
   * Tries a transaction once, at one endpoint. If that does not answer, the next try is made at another one. One without
   * puts and deletions is a linearizable read.
   *
   * @throws EtcdFailure; QuorateError DataLoss, `LOG_REGRESSED`, if the answer comes from another cluster than before.
   */
  transact(transaction: Transaction, signal?: AbortSignal): Promise<TxnResponse>;
  /**
   * Watches at one endpoint; if that ends with an error, the next one is at another endpoint.
   * @throws as `transact` does.
   */
  watch(init: WatchInit): EtcdWatch;
  /** Ends everything. */
  close(): void;
}

/** A watch that is being read. */
export interface EtcdWatch extends AsyncIterable<WatchResponse> {
  /** Ends it; its reader is told Canceled. The next watch is at another endpoint. */
  cancel(): void;
}

/** Whether a transaction that failed was carried out: "refused" if it was not and will not be, else "unknown". */
export type FailureOutcome = "refused" | "unknown";

/** A request that etcd refused, or did not answer. */
export class EtcdFailure extends QuorateError {
  readonly outcome: FailureOutcome;

  constructor(outcome: FailureOutcome, code: Code, message: string, cause?: unknown) {
    super(code, `etcd: ${message.replace(/^etcdserver: /, "")}`, { cause });
    this.outcome = outcome;
  }

  static {
    Object.defineProperty(EtcdFailure.prototype, "name", {
      value: "EtcdFailure",
      configurable: true,
      writable: true,
    });
  }
}
