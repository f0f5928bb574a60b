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
import { checkSession, checkUnregister, type SessionCheck, type UnregisterCheck } from "./session-check.js";
import { readKeepAlive, readRegister, readUnregister } from "./session-message-checks.js";
import type { SessionParts } from "./session-parts.js";
import type { SessionStream } from "./session-stream.js";

/** One request of the session service. */
interface ServiceCall {
  readonly request: IncomingRequest;
  readonly stream: SessionStream;
}

/** Answers a request: with a message, and the op of the entry that it stands for. */
type Answer<Method extends DescMethod> = (message: MessageInitShape<Method["output"]>, op?: number) => void;

/** Serves one method. */
export type Serve = (call: ServiceCall) => Promise<void>;

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
      serving(login, async (message, call, answer) => answer(await this.#login(message, call))),
      serving(register, (message, call, answer) => this.#register(message, call, answer)),
      serving(loginRegister, async (message, call, answer) => {
        const user = await this.#login(message.login, call);
        await this.#register(message.register, call, (registered, op) =>
          answer({ login: user, register: registered }, op),
        );
      }),
      serving(keepAlive, (message, call, answer) => this.#keepAlive(readKeepAlive(message), call, answer)),
      serving(unregister, (message, call, answer) => this.#unregister(readUnregister(message), call, answer)),
    ]);
  }

  async #login(message: LoginRequest | undefined, { request, stream }: ServiceCall) {
    return { user: await this.#parts.manager.logIn(stream, credentialsOf(message), request) };
  }

  async #register(
    message: RegisterRequest | undefined,
    { request, stream }: ServiceCall,
    answer: Answer<typeof Descriptor.method.register>,
  ): Promise<void> {
    const { log, manager } = this.#parts;
    if (message === undefined) throw badStamp("there is no Register in it");
    const fields = readRegister(message, log.table.clusterId);
    await manager.authenticated(stream, request);
    await manager.checkUser(stream);
    const user = stream.userId;
    if (user === undefined) throw refusal("NOT_AUTHENTICATED");
    await this.#propose({ kind: "register", user, ...fields }, request, (effect) => {
      if (!isRegister(effect)) throw refusal("RETRY");
      if (effect.kind !== "registerRefused" && stream.userId === user) {
        manager.bind(stream, effect.state.client, effect.state.session);
      }
      answer(this.#registered(effect), effect.op);
    });
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
    answer: Answer<typeof Descriptor.method.keepAlive>,
  ): Promise<void> {
    const { log, manager } = this.#parts;
    const { client, session, respondedTo } = named;
    await manager.authenticated(stream, request);
    const check = (afterBarrier: boolean) =>
      checkSession(log.table, named, stream.checked(client, session), { afterBarrier });
    const checked = await this.#withBarrier(check);
    if (checked.kind !== "passed") throw errorOf(checked);
    await this.#propose({ kind: "keepAlive", client, session, respondedTo }, request, (effect) => {
      // By the table as of that entry: the session has ended, or has another number.
      if (effect.kind !== "keptAlive") throw errorOf(check(true));
      answer({ limits: this.#limits() }, effect.op);
    });
  }

  async #unregister(
    named: ReturnType<typeof readUnregister>,
    { request, stream }: ServiceCall,
    answer: Answer<typeof Descriptor.method.unregister>,
  ): Promise<void> {
    const { log, manager } = this.#parts;
    const { client, session } = named;
    await manager.authenticated(stream, request);
    const checked = await this.#withBarrier((afterBarrier) =>
      checkUnregister(log.table, named, stream.userId, { afterBarrier }),
    );
    if (checked.kind === "done") return answer({});
    if (checked.kind !== "passed") throw errorOf(checked);
    await this.#propose({ kind: "unregister", client, session }, request, (effect) => {
      if (effect.kind !== "unregistered") return answer({});
      // Who leaves by itself need not be told.
      manager.ended(client, session, "unregistered", stream);
      answer({}, effect.op);
    });
  }

  /** What a check says, after a barrier if it needs one. */
  async #withBarrier<Check extends { readonly kind: string }>(
    check: (afterBarrier: boolean) => Check,
  ): Promise<Check> {
    const checked = check(false);
    if (checked.kind !== "barrier") return checked;
    await this.#parts.log.barrier();
    return check(true);
  }

  /**
   * Proposes an entry, lets the next request of the stream start, and waits until it is applied. `applied` answers before
   * anything else is applied: an entry behind it may end the session again, and the client is told of that behind the
   * answer.
   */
  #propose(entry: Entry, request: IncomingRequest, applied: (effect: Effect) => void): Promise<void> {
    const { log, maxWaitMs } = this.#parts;
    return new Promise((resolve, reject) => {
      const cancel = scheduleDeadline(deadlineAfter(maxWaitMs), () => reject(refusal("RETRY")));
      log.propose(entry, {
        applied: (effect) => {
          cancel();
          try {
            applied(effect);
            resolve();
          } catch (error) {
            reject(QuorateError.from(error));
          }
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
  serve: (message: MessageShape<Method["input"]>, call: ServiceCall, answer: Answer<Method>) => Promise<void>,
): [string, Serve] {
  return [
    wireName(method),
    (call) => {
      const { request } = call;
      return serve(decode(method, request.payload), call, (message, op) => {
        const bytes = encodeMessage(method.output, message);
        if (op === undefined) request.reply(bytes);
        else answerRequest(request, op, { kind: "payload", bytes });
      });
    },
  ];
}

/** What a request is refused with that did not pass a check. */
function errorOf(check: SessionCheck | UnregisterCheck): QuorateError {
  return check.kind === "refused" ? check.error : refusal("RETRY");
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
