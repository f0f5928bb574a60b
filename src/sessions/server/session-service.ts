import type { DescMethod, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { Code } from "../../../internal/errors/code.js";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import type { IncomingRequest } from "../../../internal/stream/request-handler.js";
import { deadlineAfter, scheduleDeadline } from "../../../internal/util/deadlines.js";
import { decodeMessage, encodeMessage } from "../../service/message-codec.js";
import { wireName } from "../../service/quorate-service.js";
import {
  type Credentials,
  noCredentials,
  passwordCredentials,
  tokenCredentials,
} from "../credentials/credentials.js";
import {
  type ClientLimitsSchema,
  SessionService as Descriptor,
  type KeepAliveResponseSchema,
  type LoginRequest,
  type RegisterRequest,
  type RegisterResponseSchema,
} from "../gen/quorate/session/v1/session_pb.js";
import { fromHex } from "../hex.js";
import type { Entry } from "../record/log-record.js";
import { badStamp, refusal, sessionMismatch } from "../session-errors.js";
import type { Effect, RegisterEffect } from "../table/effect.js";
import { answerRequest } from "./answer-wait.js";
import { unavailable } from "./request-errors.js";
import { checkSession, checkUnregister } from "./session-check.js";
import { readKeepAlive, readRegister, readUnregister } from "./session-message-checks.js";
import type { SessionParts } from "./session-parts.js";
import type { SessionStream } from "./session-stream.js";

/** One request of the session service. */
interface ServiceCall {
  readonly request: IncomingRequest;
  readonly stream: SessionStream;
}

/** What a method answers: a message, and the op of the entry that it stands for. */
interface ServiceAnswer<Method extends DescMethod> {
  readonly message: MessageInitShape<Method["output"]>;
  readonly op?: number | undefined;
}

type Serve = (call: ServiceCall) => Promise<void>;

/**
 * Serves `quorate.session.v1.SessionService`. No interceptor sees it: there are credentials and client ids in it, which
 * are secrets.
 */
export class SessionServiceServer {
  /** By full name. `Evicted` is served by clients. */
  readonly methods: ReadonlyMap<string, Serve>;
  readonly #parts: SessionParts;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    const { login, register, loginRegister, keepAlive, unregister } = Descriptor.method;
    this.methods = new Map([
      serving(login, async (message, call) => ({ message: await this.#login(message, call) })),
      serving(register, (message, call) => this.#register(message, call)),
      serving(loginRegister, async (message, call) => {
        const user = await this.#login(message.login, call);
        const registered = await this.#register(message.register, call);
        return { message: { login: user, register: registered.message }, op: registered.op };
      }),
      serving(keepAlive, (message, call) => this.#keepAlive(readKeepAlive(message), call)),
      serving(unregister, (message, call) => this.#unregister(readUnregister(message), call)),
    ]);
  }

  async #login(message: LoginRequest | undefined, { request, stream }: ServiceCall) {
    return { user: await this.#parts.manager.logIn(stream, credentialsOf(message), request) };
  }

  async #register(
    message: RegisterRequest | undefined,
    { request, stream }: ServiceCall,
  ): Promise<ServiceAnswer<typeof Descriptor.method.register>> {
    const { log, manager } = this.#parts;
    if (message === undefined) throw badStamp("there is no Register in it");
    const fields = readRegister(message, log.table.clusterId);
    await manager.authenticated(stream, request);
    await manager.checkUser(stream);
    const user = stream.userId;
    if (user === undefined) throw refusal("NOT_AUTHENTICATED");
    let bound: RegisterEffect | undefined;
    const effect = await this.#propose({ kind: "register", user, ...fields }, request, (applied) => {
      if (!isRegister(applied)) return;
      bound = applied;
      // Before anything else is applied: an entry behind it may end the session again.
      if (applied.kind !== "registerRefused" && stream.userId === user) {
        manager.bind(stream, applied.state.client, applied.state.session);
      }
    });
    if (bound === undefined) throw refusal("RETRY");
    return { message: this.#registered(bound), op: effect.op };
  }

  #registered(effect: RegisterEffect): MessageInitShape<typeof RegisterResponseSchema> {
    if (effect.kind === "registerRefused") {
      throw effect.reason === "SESSION_MISMATCH"
        ? sessionMismatch(effect.session, effect.created)
        : refusal(effect.reason);
    }
    const { session, created, highest, respondedTo } = effect.state;
    return {
      session: BigInt(session),
      created: BigInt(created),
      highest: BigInt(highest),
      respondedTo: BigInt(respondedTo),
      clusterId: fromHex(this.#parts.log.table.clusterId),
      limits: this.#limits(),
    };
  }

  async #keepAlive(
    named: ReturnType<typeof readKeepAlive>,
    { request, stream }: ServiceCall,
  ): Promise<ServiceAnswer<typeof Descriptor.method.keepAlive>> {
    const { log } = this.#parts;
    await this.#checkSession(named, { request, stream });
    const { client, session, respondedTo } = named;
    const effect = await this.#propose({ kind: "keepAlive", client, session, respondedTo }, request);
    // By the table as of that entry, or a later one: the session has ended, or has another number.
    if (effect.kind !== "keptAlive") {
      const check = checkSession(log.table, named, stream.checked(client, session), { afterBarrier: true });
      throw check.kind === "refused" ? check.error : refusal("RETRY");
    }
    const message: MessageInitShape<typeof KeepAliveResponseSchema> = { limits: this.#limits() };
    return { message, op: effect.op };
  }

  async #checkSession(
    named: { client: string; session: number },
    { request, stream }: ServiceCall,
  ): Promise<void> {
    const { log, manager } = this.#parts;
    await manager.authenticated(stream, request);
    const check = (afterBarrier: boolean) =>
      checkSession(log.table, named, stream.checked(named.client, named.session), { afterBarrier });
    let checked = check(false);
    if (checked.kind === "barrier") {
      await log.barrier();
      checked = check(true);
    }
    if (checked.kind !== "passed") throw checked.kind === "refused" ? checked.error : refusal("RETRY");
  }

  async #unregister(
    named: ReturnType<typeof readUnregister>,
    { request, stream }: ServiceCall,
  ): Promise<ServiceAnswer<typeof Descriptor.method.unregister>> {
    const { log, manager } = this.#parts;
    await manager.authenticated(stream, request);
    const check = (afterBarrier: boolean) =>
      checkUnregister(log.table, named, stream.userId, { afterBarrier });
    let checked = check(false);
    if (checked.kind === "barrier") {
      await log.barrier();
      checked = check(true);
    }
    if (checked.kind === "refused") throw checked.error;
    if (checked.kind !== "passed") return { message: {} };
    const { client, session } = named;
    const effect = await this.#propose({ kind: "unregister", client, session }, request, () => {
      // Who leaves by itself need not be told.
      manager.ended(client, session, "unregistered", stream);
    });
    return { message: {}, op: effect.op };
  }

  /** Proposes an entry, lets the next request of the stream start, and waits until it is applied. */
  #propose(
    entry: Entry,
    request: IncomingRequest,
    applied: (effect: Effect) => void = () => {},
  ): Promise<Effect> {
    const { log, maxWaitMs } = this.#parts;
    return new Promise((resolve, reject) => {
      const cancel = scheduleDeadline(deadlineAfter(maxWaitMs), () => reject(refusal("RETRY")));
      log.propose(entry, {
        applied: (effect) => {
          cancel();
          applied(effect);
          resolve(effect);
        },
        failed: (error) => {
          cancel();
          reject(unavailable(error));
        },
      });
      request.release();
    });
  }

  #limits(): MessageInitShape<typeof ClientLimitsSchema> {
    const { log, maxWaitMs } = this.#parts;
    const { maxInFlight, maxRequestBytes, idleTimeoutMs } = log.table.limits;
    return { maxInFlight, maxRequestBytes, maxWaitMs, idleTimeoutMs };
  }
}

function serving<Method extends DescMethod>(
  method: Method,
  serve: (message: MessageShape<Method["input"]>, call: ServiceCall) => Promise<ServiceAnswer<Method>>,
): [string, Serve] {
  return [
    wireName(method),
    async (call) => {
      const { message, op } = await serve(decode(method, call.request.payload), call);
      const bytes = encodeMessage(method.output, message);
      if (op === undefined) call.request.reply(bytes);
      else answerRequest(call.request, op, { kind: "payload", bytes });
    },
  ];
}

function decode<Method extends DescMethod>(
  method: Method,
  payload: Uint8Array,
): MessageShape<Method["input"]> {
  try {
    return decodeMessage(method.input, payload) as MessageShape<Method["input"]>;
  } catch (error) {
    const message = `quorate: the request of ${wireName(method)} cannot be decoded`;
    throw new QuorateError(Code.InvalidArgument, message, { reason: "UNDECODABLE_REQUEST", cause: error });
  }
}

function credentialsOf(login: LoginRequest | undefined): Credentials {
  const credentials = login?.credentials;
  if (credentials?.case === "password") {
    return passwordCredentials(credentials.value.user, credentials.value.password);
  }
  return credentials?.case === "accessToken" ? tokenCredentials(credentials.value) : noCredentials;
}

function isRegister(effect: Effect): effect is RegisterEffect {
  return "state" in effect || effect.kind === "registerRefused";
}
