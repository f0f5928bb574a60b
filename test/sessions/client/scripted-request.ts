import { create, toBinary } from "@bufbuild/protobuf";
import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import type { IncomingRequest } from "../../../internal/stream/request-handler.js";
import { Metadata } from "../../../internal/wire/metadata.js";
import { encodeStatus, statusFromError } from "../../../internal/wire/status.js";
import { callRaw } from "../../../src/calls/raw-call.js";
import { peerNodeOf } from "../../../src/configuration/node-set.js";
import type { StreamContext } from "../../../src/server/handler-context.js";
import { sessionServiceNames } from "../../../src/sessions/client/session-messages.js";
import {
  EvictedRequestSchema,
  EvictionReason,
  KeepAliveResponseSchema,
  LoginRegisterResponseSchema,
} from "../../../src/sessions/gen/quorate/session/v1/session_pb.js";
import { fromHex } from "../../../src/sessions/hex.js";
import { opKey, readStamp, type Stamp } from "../../../src/sessions/stamp.js";
import { ValueSchema } from "../../gen/register/v1/register_pb.js";
import type { ScriptedAnswer } from "./scripted-sessions.js";

/** A request that came to a scripted server, and how it can be answered. */
export class ScriptedRequest {
  /** The server that it came to: 1, 2, ... */
  readonly server: number;
  /** Without the service. */
  readonly method: string;
  readonly metadata: Metadata;
  readonly stamp: Stamp;
  readonly payload: Uint8Array;
  readonly stream: StreamContext;
  readonly #request: IncomingRequest;
  readonly #done: () => void;
  taken = false;

  constructor(server: number, request: IncomingRequest, stream: StreamContext, done: () => void) {
    this.server = server;
    this.method = request.method.slice(request.method.lastIndexOf(".") + 1);
    this.metadata = Metadata.fromEntries(request.entries);
    this.stamp = readStamp(this.metadata.entries());
    this.payload = request.payload;
    this.stream = stream;
    this.#request = request;
    this.#done = done;
  }

  /** The request number; 0 for none. */
  get number(): number {
    return this.stamp.kind === "request" ? this.stamp.request : 0;
  }

  remainingMs(): number {
    return this.#request.remainingMs();
  }

  /** Replies to a request of the service Register, with this op. */
  reply(op: number, value = "done"): void {
    this.#answer(toBinary(ValueSchema, create(ValueSchema, { value })), op);
  }

  /** Replies without an op, as no server with sessions does. */
  replyWithoutOp(): void {
    this.#answer(toBinary(ValueSchema, create(ValueSchema)), undefined);
  }

  /** Fails as a handler does: with an op. */
  throwAt(op: number, error: QuorateError): void {
    this.#request.answer({ status: encodeStatus(statusFromError(error)), entries: opEntries(op) });
    this.#done();
  }

  /** Refuses, without an op. */
  refuse(reason: string | undefined, code: Code = Code.Unavailable): void {
    this.fail(new QuorateError(code, "quorate: from the script", { reason }));
  }

  fail(error: QuorateError): void {
    this.#request.fail(error);
    this.#done();
  }

  /** Answers a LoginRegister. */
  registered({ session, created, highest, respondedTo, clusterId, limits }: ScriptedAnswer): void {
    const register = {
      session: BigInt(session),
      created: BigInt(created),
      highest: BigInt(highest),
      respondedTo: BigInt(respondedTo),
      clusterId: fromHex(clusterId),
      limits,
    };
    const message = create(LoginRegisterResponseSchema, { login: {}, register });
    this.#answer(toBinary(LoginRegisterResponseSchema, message), undefined);
  }

  /** Answers a KeepAlive. */
  keptAlive(op: number, limits: ScriptedAnswer["limits"]): void {
    this.#answer(toBinary(KeepAliveResponseSchema, create(KeepAliveResponseSchema, { limits })), op);
  }

  /** Answers with the empty message. */
  done(): void {
    this.#answer(new Uint8Array(0), undefined);
  }

  /** Calls `Evicted` on the stream of this request; resolves once it is sent. */
  evict(client: string, session: number, reason: EvictionReason = EvictionReason.CAPACITY): Promise<void> {
    const message = create(EvictedRequestSchema, {
      client: fromHex(client),
      session: BigInt(session),
      reason,
    });
    return this.callBack(toBinary(EvictedRequestSchema, message));
  }

  /** Calls `Evicted` with these bytes. */
  callBack(payload: Uint8Array): Promise<void> {
    const { caller } = this.stream;
    if (caller === undefined) throw new Error("the client cannot be called");
    const method = sessionServiceNames.evicted;
    const call = { method, payload, metadata: Metadata.empty, timeoutMs: 5_000, oneWay: true };
    return new Promise((resolve, reject) => {
      callRaw(peerNodeOf(caller), call, { replied: () => resolve(), failed: reject });
    });
  }

  #answer(payload: Uint8Array, op: number | undefined): void {
    this.#request.answer({ payload, entries: op === undefined ? [] : opEntries(op) });
    this.#done();
  }
}

function opEntries(op: number) {
  return [{ key: opKey, value: String(op) }];
}
