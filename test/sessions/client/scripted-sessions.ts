import { fromBinary } from "@bufbuild/protobuf";
import { Code } from "../../../internal/errors/code.js";
import type { RegisterAnswer } from "../../../src/sessions/client/register-answer.js";
import { LoginRegisterRequestSchema } from "../../../src/sessions/gen/quorate/session/v1/session_pb.js";
import { toHex } from "../../../src/sessions/hex.js";
import { clusterId, mismatchOf } from "./client-session.js";
import type { ScriptedRequest } from "./scripted-request.js";

export type ScriptedAnswer = RegisterAnswer;

/** What a LoginRegister says. */
export interface SeenRegister {
  readonly client: string;
  readonly nonce: string;
  readonly previous: number;
  readonly clusterId: string;
}

/** Reads a LoginRegister. */
export function registerOf({ payload }: ScriptedRequest): SeenRegister {
  const { register } = fromBinary(LoginRegisterRequestSchema, payload);
  if (register === undefined) throw new Error("a LoginRegister without a Register");
  const { client, nonce, previous } = register;
  return {
    client: toHex(client),
    nonce: toHex(nonce),
    previous: Number(previous),
    clusterId: toHex(register.clusterId),
  };
}

/**
 * What servers with one log answer to a well-behaved client, unless the script says otherwise: Registers by the rules,
 * each new request with its op, once.
 */
export class ScriptedSessions {
  op = 9;
  limits: RegisterAnswer["limits"] = {
    maxInFlight: 4,
    maxRequestBytes: 1_000,
    maxWaitMs: 30_000,
    idleTimeoutMs: 600_000,
  };
  session = 0;
  created = 0;
  highest = 0;
  #nonce = "";
  readonly #ops = new Map<number, number>();

  answer(request: ScriptedRequest): void {
    switch (request.method) {
      case "LoginRegister":
        return this.register(request);
      case "KeepAlive":
        return request.keptAlive(++this.op, this.limits);
      case "Login":
      case "Unregister":
        return request.done();
      case "Read":
        return request.reply(this.op, "read");
      default:
        return this.apply(request);
    }
  }

  register(request: ScriptedRequest): void {
    const { nonce, previous } = registerOf(request);
    if (nonce !== this.#nonce) {
      if (previous === 0 && this.session === 0) this.created = this.op + 1;
      else if (this.session === 0) return request.refuse("NO_SESSION", Code.NotFound);
      else if (previous !== this.session) return request.fail(mismatchOf(this));
      this.#nonce = nonce;
      this.session = ++this.op;
    }
    request.registered(this.present());
  }

  /** The answer to a Register now. */
  present(): RegisterAnswer {
    const { session, created, highest, limits } = this;
    return { session, created, highest, respondedTo: 0, clusterId, limits };
  }

  /** Applies a request, or answers again what was applied before. */
  apply(request: ScriptedRequest): void {
    let op = this.#ops.get(request.number);
    if (op === undefined) {
      op = ++this.op;
      this.#ops.set(request.number, op);
      this.highest = Math.max(this.highest, request.number);
    }
    request.reply(op, `reply ${request.number}`);
  }
}
