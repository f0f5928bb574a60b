import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code } from "../../../../internal/errors/code.js";
import { QuorateError } from "../../../../internal/errors/quorate-error.js";
import { createGrpcClient, type GrpcClient } from "../../../../internal/transport/grpc-client.js";
import { Metadata } from "../../../../internal/wire/metadata.js";
import { logRegressed } from "../log-errors.js";
import {
  type EtcdClient,
  EtcdFailure,
  type EtcdWatch,
  type FailureOutcome,
  type Transaction,
  type WatchInit,
} from "./etcd-client.js";
import type { EtcdSettings } from "./etcd-log-options.js";
import {
  AuthenticateRequestSchema,
  AuthenticateResponseSchema,
  type ResponseHeader,
  TxnRequestSchema,
  type TxnResponse,
  TxnResponseSchema,
  WatchRequestSchema,
  type WatchResponse,
  WatchResponseSchema,
} from "./gen/etcd/rpc_pb.js";

/** What a client needs of the settings of a log. */
export type EtcdClusterInit = Pick<EtcdSettings, "auth" | "endpoints" | "tls" | "tryTimeoutMs">;

/**
 * A client of the cluster with these endpoints. Connects when it is used.
 * @param first the place in the list of the endpoint that it begins with
 */
export function connectEtcd(init: EtcdClusterInit, first = 0): EtcdClient {
  return new EtcdCluster(init, first);
}

/** Milliseconds. Whoever pings more often than every 5 s is cut off by etcd, in its default. */
const keepaliveMs = 6_000;

class EtcdCluster implements EtcdClient {
  readonly #init: EtcdClusterInit;
  readonly #clients: readonly GrpcClient[];
  /** Where the next transaction goes, and the next watch. */
  #transactAt: number;
  #watchAt: number;
  #token: Promise<Metadata> | undefined;
  #clusterId: bigint | undefined;

  constructor(init: EtcdClusterInit, first: number) {
    this.#init = init;
    this.#transactAt = first;
    this.#watchAt = first;
    this.#clients = init.endpoints.map((address) =>
      createGrpcClient(address, { tls: init.tls, keepaliveMs }),
    );
  }

  get endpoints(): number {
    return this.#clients.length;
  }

  async transact(transaction: Transaction, signal?: AbortSignal): Promise<TxnResponse> {
    const request = toBinary(TxnRequestSchema, create(TxnRequestSchema, transaction));
    const at = this.#transactAt;
    let failure: EtcdFailure;
    try {
      const reply = await this.#authenticated(at, "/etcdserverpb.KV/Txn", request, signal);
      const response = fromBinary(TxnResponseSchema, reply);
      this.#checkCluster(response.header);
      return response;
    } catch (error) {
      failure = failureOf(error);
    }
    // Of several that failed there at once, one goes on.
    if (failure.outcome === "unknown" && this.#transactAt === at)
      this.#transactAt = (at + 1) % this.endpoints;
    throw failure;
  }

  watch(init: WatchInit): EtcdWatch {
    const at = this.#watchAt;
    const moveOn = () => {
      if (this.#watchAt === at) this.#watchAt = (at + 1) % this.endpoints;
    };
    let cancel = () => {};
    let isCanceled = false;
    const read = async function* (this: EtcdCluster): AsyncGenerator<WatchResponse, void, undefined> {
      const token = this.#tokenAt(at);
      try {
        const known = await token;
        if (isCanceled) throw canceled();
        // A member that has lost the others ends the watch, and does not just fall silent.
        const metadata = known.join({ hasleader: "true" });
        const stream = this.#clientAt(at).openStream("/etcdserverpb.Watch/Watch", { metadata });
        cancel = () => stream.cancel();
        const requestUnion = { case: "createRequest" as const, value: init };
        stream.write(toBinary(WatchRequestSchema, create(WatchRequestSchema, { requestUnion })));
        for await (const message of stream) {
          const response = fromBinary(WatchResponseSchema, message);
          this.#checkCluster(response.header);
          if (response.canceled && isDenied(response.cancelReason)) this.#forget(token);
          yield response;
          if (response.canceled) break;
        }
      } catch (error) {
        moveOn();
        const failure = failureOf(error);
        if (isStaleToken(failure)) this.#forget(token);
        throw failure;
      }
    };
    return {
      cancel: () => {
        isCanceled = true;
        moveOn();
        cancel();
      },
      [Symbol.asyncIterator]: () => read.call(this),
    };
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }

  async #authenticated(
    at: number,
    path: string,
    request: Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    const timeoutMs = this.#init.tryTimeoutMs;
    const client = this.#clientAt(at);
    const token = this.#tokenAt(at);
    const metadata = await token;
    try {
      return await client.unary(path, request, { timeoutMs, metadata, signal });
    } catch (error) {
      if (this.#init.auth === undefined || !isStaleToken(error)) throw error;
    }
    this.#forget(token);
    return client.unary(path, request, { timeoutMs, metadata: await this.#tokenAt(at), signal });
  }

  /** The token of the user, asked for once and shared by all endpoints. */
  #tokenAt(at: number): Promise<Metadata> {
    const { auth } = this.#init;
    if (auth === undefined) return noToken;
    if (this.#token === undefined) {
      const token = this.#logIn(at, auth.username, auth.password.reveal());
      this.#token = token;
      token.catch(() => this.#forget(token));
    }
    return this.#token;
  }

  /** Of several that were refused with it, one asks for another. */
  #forget(token: Promise<Metadata>): void {
    if (this.#token === token) this.#token = undefined;
  }

  async #logIn(at: number, name: string, password: string): Promise<Metadata> {
    const request = toBinary(
      AuthenticateRequestSchema,
      create(AuthenticateRequestSchema, { name, password }),
    );
    const { tryTimeoutMs } = this.#init;
    // Hashing a password takes its time, on purpose.
    const timeoutMs = Math.max(tryTimeoutMs, 5_000);
    const reply = await this.#clientAt(at).unary("/etcdserverpb.Auth/Authenticate", request, { timeoutMs });
    return Metadata.from({ token: fromBinary(AuthenticateResponseSchema, reply).token });
  }

  #clientAt(at: number): GrpcClient {
    const client = this.#clients[at];
    if (client === undefined) throw new QuorateError(Code.Internal, `quorate: there is no endpoint ${at}`);
    return client;
  }

  /** A cluster that was made anew, or restored under another token, has another id, whatever its revision. */
  #checkCluster(header: ResponseHeader | undefined): void {
    const id = header?.clusterId ?? 0n;
    if (id === 0n) return;
    this.#clusterId ??= id;
    if (id !== this.#clusterId)
      throw logRegressed("etcd answers as another cluster, made anew or out of a backup");
  }
}

const noToken: Promise<Metadata> = Promise.resolve(Metadata.empty);

function canceled(): QuorateError {
  return new QuorateError(Code.Canceled, "quorate: the watch was canceled");
}

function isStaleToken(error: unknown): boolean {
  if (!(error instanceof QuorateError)) return false;
  return error.code === Code.Unauthenticated || /revision of auth store is old/.test(error.message);
}

/** Whether a watch was ended because of its token. Some versions of etcd say of one that they do not know that it may not. */
function isDenied(reason: string): boolean {
  return /invalid auth token|revision of auth store is old|permission denied/.test(reason);
}

function failureOf(error: unknown): EtcdFailure {
  if (error instanceof EtcdFailure) return error;
  const { code, message, reason } = QuorateError.from(error, Code.Unavailable);
  if (reason === "LOG_REGRESSED") throw error;
  return new EtcdFailure(outcomeOf(code, message), code, message, error);
}

/** Codes with which etcd refuses before it hands a request to Raft, or answers when it was not carried out. */
const refusals: ReadonlySet<Code> = new Set([
  Code.InvalidArgument,
  Code.NotFound,
  Code.PermissionDenied,
  Code.Unauthenticated,
  Code.ResourceExhausted,
  Code.FailedPrecondition,
  Code.OutOfRange,
  Code.Unimplemented,
]);

function outcomeOf(code: Code, message: string): FailureOutcome {
  // The first transaction above etcd's quota is carried out and refused; a stream that was reset for its pace is cut off
  // anywhere.
  if (/database space exceeded|Bandwidth exhausted/.test(message)) return "unknown";
  return refusals.has(code) ? "refused" : "unknown";
}
