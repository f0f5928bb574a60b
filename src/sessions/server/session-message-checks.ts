import { clientIdOf, idBytes } from "../client-id.js";
import type {
  KeepAliveRequest,
  RegisterRequest,
  UnregisterRequest,
} from "../gen/quorate/session/v1/session_pb.js";
import { toHex } from "../hex.js";
import { badStamp, wrongCluster } from "../session-errors.js";

/** What a client asks for with Register. Ids in hex. */
export interface RegisterFields {
  readonly client: string;
  readonly nonce: string;
  /** 0 for a new session, else the session number that the client holds. */
  readonly previous: number;
}

/** The session that a KeepAlive or an Unregister is for. */
export interface NamedSession {
  readonly client: string;
  readonly session: number;
}

/**
 * Reads a Register.
 *
 * @throws QuorateError InvalidArgument, `BAD_STAMP`; FailedPrecondition, `WRONG_CLUSTER`, if the client names another one.
 */
export function readRegister(request: RegisterRequest, clusterId: string): RegisterFields {
  const fields = {
    client: readClient(request.client),
    nonce: readBytes("nonce", request.nonce),
    previous: readNumber("previous session number", request.previous),
  };
  const isNamed = request.clusterId.length > 0;
  if (isNamed && readBytes("cluster id", request.clusterId) !== clusterId) throw wrongCluster("the session");
  return fields;
}

/** Reads a KeepAlive. Throws InvalidArgument, `BAD_STAMP`. */
export function readKeepAlive(request: KeepAliveRequest): NamedSession & { readonly respondedTo: number } {
  return { ...readSession(request), respondedTo: readNumber("responded-to", request.respondedTo) };
}

/** Reads an Unregister. Throws InvalidArgument, `BAD_STAMP`. */
export function readUnregister(request: UnregisterRequest): NamedSession {
  return readSession(request);
}

function readSession(message: { readonly client: Uint8Array; readonly session: bigint }): NamedSession {
  const session = readNumber("session number", message.session);
  if (session === 0) throw badStamp("its session number is 0");
  return { client: readClient(message.client), session };
}

function readClient(bytes: Uint8Array): string {
  const client = clientIdOf(bytes);
  if (client === undefined) throw badStamp("its client id has not 16 bytes, or is zero");
  return client;
}

function readBytes(name: string, bytes: Uint8Array): string {
  if (bytes.length !== idBytes)
    throw badStamp(`its ${name} has ${bytes.length} bytes in place of ${idBytes}`);
  return toHex(bytes);
}

function readNumber(name: string, value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw badStamp(`its ${name} is above 2^53-1`);
  return number;
}
