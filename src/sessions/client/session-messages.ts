import { create, type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { QuorateError } from "../../../internal/errors/quorate-error.js";
import { wireName } from "../../service/quorate-service.js";
import type { Credentials } from "../credentials/credentials.js";
import {
  type ClientLimits as ClientLimitsMessage,
  KeepAliveRequestSchema,
  KeepAliveResponseSchema,
  LoginRegisterRequestSchema,
  LoginRegisterResponseSchema,
  type LoginRequest,
  LoginRequestSchema,
  PasswordSchema,
  RegisterRequestSchema,
  SessionService,
  UnregisterRequestSchema,
} from "../gen/quorate/session/v1/session_pb.js";
import { fromHex, toHex } from "../hex.js";
import type { RequestStamp } from "../stamp.js";
import { badAnswer } from "./client-errors.js";
import type { Registration } from "./held-session.js";
import type { ClientLimits, RegisterAnswer } from "./register-answer.js";

/** The methods of the session service, by their full names. */
export const sessionServiceNames: {
  readonly [Name in Exclude<keyof typeof SessionService.method, "register">]: string;
} = {
  login: wireName(SessionService.method.login),
  loginRegister: wireName(SessionService.method.loginRegister),
  keepAlive: wireName(SessionService.method.keepAlive),
  unregister: wireName(SessionService.method.unregister),
  evicted: wireName(SessionService.method.evicted),
};

/** The request of a Login. The secret stands in it. */
export function encodeLogin(credentials: Credentials): Uint8Array {
  return toBinary(LoginRequestSchema, loginMessage(credentials));
}

/** The request of a Login and a Register in one. */
export function encodeLoginRegister(credentials: Credentials, registration: Registration): Uint8Array {
  const { client, nonce, previous, clusterId } = registration;
  const register = create(RegisterRequestSchema, {
    client: fromHex(client),
    nonce: fromHex(nonce),
    previous: BigInt(previous),
    clusterId: fromHex(clusterId ?? ""),
  });
  const message = create(LoginRegisterRequestSchema, { login: loginMessage(credentials), register });
  return toBinary(LoginRegisterRequestSchema, message);
}

/** The request of a KeepAlive. */
export function encodeKeepAlive({ client, session, respondedTo }: Omit<RequestStamp, "request">): Uint8Array {
  const ids = { client: fromHex(client), session: BigInt(session) };
  const message = create(KeepAliveRequestSchema, { ...ids, respondedTo: BigInt(respondedTo) });
  return toBinary(KeepAliveRequestSchema, message);
}

/** The request of an Unregister. */
export function encodeUnregister({ client, session }: Pick<RequestStamp, "client" | "session">): Uint8Array {
  const message = create(UnregisterRequestSchema, { client: fromHex(client), session: BigInt(session) });
  return toBinary(UnregisterRequestSchema, message);
}

/**
 * The answer to {@link encodeLoginRegister}; its numbers are not checked.
 *
 * @throws QuorateError Internal, `BAD_SESSION_ANSWER`.
 */
export function decodeRegisterAnswer(payload: Uint8Array): RegisterAnswer {
  const { register } = decode(LoginRegisterResponseSchema, payload);
  if (register === undefined) throw badAnswer("the answer to a Register is empty");
  const { session, created, highest, respondedTo, clusterId, limits } = register;
  return {
    session: Number(session),
    created: Number(created),
    highest: Number(highest),
    respondedTo: Number(respondedTo),
    clusterId: toHex(clusterId),
    limits: limitsOf(limits),
  };
}

/**
 * The limits in the answer to a KeepAlive; not checked.
 *
 * @throws QuorateError Internal, `BAD_SESSION_ANSWER`.
 */
export function decodeKeepAliveAnswer(payload: Uint8Array): ClientLimits {
  return limitsOf(decode(KeepAliveResponseSchema, payload).limits);
}

function loginMessage(credentials: Credentials): LoginRequest {
  switch (credentials.kind) {
    case "password": {
      const { user, password } = credentials;
      const value = create(PasswordSchema, { user, password: password.reveal() });
      return create(LoginRequestSchema, { credentials: { case: "password", value } });
    }
    case "token": {
      const value = credentials.token.reveal();
      return create(LoginRequestSchema, { credentials: { case: "accessToken", value } });
    }
    default:
      return create(LoginRequestSchema);
  }
}

/** What is not said is 0, which is no limit that a server has. */
function limitsOf(limits: ClientLimitsMessage | undefined): ClientLimits {
  const { maxInFlight = 0, maxRequestBytes = 0, maxWaitMs = 0, idleTimeoutMs = 0 } = limits ?? {};
  return { maxInFlight, maxRequestBytes, maxWaitMs, idleTimeoutMs };
}

function decode<Desc extends DescMessage>(schema: Desc, payload: Uint8Array): MessageShape<Desc> {
  try {
    return fromBinary(schema, payload);
  } catch (error) {
    throw undecodable(schema, error);
  }
}

function undecodable({ typeName }: DescMessage, cause: unknown): QuorateError {
  return badAnswer(`a ${typeName} cannot be decoded: ${String(cause)}`);
}
