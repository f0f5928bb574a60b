import type { DescMethod, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { connect, type MetadataInit, type OwnedConfiguration, type QuorateEvent } from "quorate";
import type { MemoryTransport } from "quorate/testing";
import type { QuorateError } from "../../../internal/errors/quorate-error.js";
import { grpcTransport } from "../../../internal/transport/grpc-transport.js";
import { Metadata } from "../../../internal/wire/metadata.js";
import { callRaw } from "../../../src/calls/raw-call.js";
import { peerNodeOf } from "../../../src/configuration/node-set.js";
import type { PeerNode } from "../../../src/configuration/peer-node.js";
import { decodeMessage, encodeMessage } from "../../../src/service/message-codec.js";
import { wireName } from "../../../src/service/quorate-service.js";
import {
  type EvictedRequest,
  EvictionReason,
  type LoginRequestSchema,
  SessionService,
} from "../../../src/sessions/gen/quorate/session/v1/session_pb.js";
import { fromHex } from "../../../src/sessions/hex.js";
import {
  formatReadStamp,
  formatRequestStamp,
  readOp,
  readStampKey,
  stampKey,
} from "../../../src/sessions/stamp.js";
import { eventually } from "../../helpers/eventually.js";
import { id } from "../table/test-table.js";
import { takesEvicted } from "./takes-evicted.js";

/** What came of a call: its answer, or, `lost`, the error of a stream that broke before there was one. */
export interface RawAnswer {
  readonly payload: Uint8Array;
  readonly error: QuorateError | undefined;
  /** The op of the answer; undefined for a refusal. */
  readonly op: number | undefined;
  readonly lost: boolean;
}

/** A method and the bytes that it is called with. */
export interface RawRequest {
  readonly method: string;
  readonly payload: Uint8Array;
}

/** What a stamp says other than the client would. */
export interface StampParts {
  readonly client?: number;
  readonly session?: number;
  readonly respondedTo?: number;
}

/** What a Register says other than the client would: nonce 1, and for a new session. */
export interface Registration {
  readonly nonce?: number;
  readonly previous?: number;
  readonly cluster?: Uint8Array;
}

/** How a client connects. */
export interface RawClientOptions {
  /** Default real connections. */
  readonly network?: MemoryTransport;
  readonly address: string;
  /** Its client id is that of this number; default 1. */
  readonly client?: number;
  /** Metadata of the stream. */
  readonly metadata?: MetadataInit;
  /** Whether the server can call back; default true. */
  readonly callable?: boolean;
}

/** A call of the session service. Its response is undefined for an error. */
export interface ServiceAnswer<Method extends DescMethod> extends RawAnswer {
  readonly message: MessageShape<Method["output"]> | undefined;
}

const { method: service } = SessionService;
const reasonNames = new Map<number, string>(
  Object.entries(EvictionReason).map(([name, value]) => [value, name]),
);

/** With what somebody logs in. */
export type RawCredentials = NonNullable<MessageInitShape<typeof LoginRequestSchema>["credentials"]>;

/**
 * One stream to one server, and the calls of a client that does nothing by itself: every number is what the test says.
 * Calls are written in the order in which they are made. The session number of the last Register that took effect is
 * kept, and stands in stamps that name no other.
 */
export class RawSessionClient implements AsyncDisposable {
  /** The client id, in hex. */
  readonly id: string;
  /** The session number; 0 before the first Register. May be set, to go on where another stream has ended. */
  session = 0;
  /** The calls of `Evicted` that came, as `<session>:<reason>`. */
  readonly evicted: string[] = [];
  /** What has come on the stream, in order: `answer`, `evicted`. */
  readonly arrived: ("answer" | "evicted")[] = [];
  readonly configuration: OwnedConfiguration;
  readonly node: PeerNode;
  #lateReplies = () => 0;

  private constructor(client: number, configuration: OwnedConfiguration) {
    this.id = id(client);
    this.configuration = configuration;
    const [node] = [...configuration];
    if (node === undefined) throw new Error("there is no node");
    this.node = peerNodeOf(node);
  }

  /** Resolves once the stream is up. */
  static async connect({ network, address, client = 1, metadata = {}, callable = true }: RawClientOptions) {
    const told: EvictedRequest[] = [];
    let evicted = (request: EvictedRequest) => void told.push(request);
    const extensions = callable ? [takesEvicted((request) => evicted(request))] : [];
    const transport = network ?? grpcTransport;
    let late = 0;
    const onEvent = ({ kind }: QuorateEvent) => {
      if (kind === "lateReply") late += 1;
    };
    const nodes = { 1: address };
    const configuration = await connect({ nodes, transport, extensions, metadata, onEvent });
    const raw = new RawSessionClient(client, configuration);
    evicted = ({ session, reason }) => {
      raw.evicted.push(`${session}:${reasonNames.get(reason)}`);
      raw.arrived.push("evicted");
    };
    raw.#lateReplies = () => late;
    await eventually(() => raw.node.connected, "the stream");
    return raw;
  }

  /** Answers that came to nothing: second ones, for this client waits for each of its calls. */
  get lateReplies(): number {
    return this.#lateReplies();
  }

  /** Another client, with a session of its own, on the same stream. */
  another(client: number): RawSessionClient {
    return new RawSessionClient(client, this.configuration);
  }

  /** Any call. Resolves in every case. */
  call({ method, payload }: RawRequest, metadata: MetadataInit = {}): Promise<RawAnswer> {
    return new Promise((resolve) => {
      const call = { method, payload, metadata: Metadata.from(metadata), timeoutMs: 600_000 };
      callRaw(this.node, call, {
        replied: (reply) => {
          const { payload: bytes, error } = reply;
          this.arrived.push("answer");
          resolve({ payload: bytes, error, op: readOp(reply.metadata), lost: false });
        },
        failed: (error) => resolve({ payload: new Uint8Array(), error, op: undefined, lost: true }),
      });
    });
  }

  /** A request with a number. */
  request(request: number, what: RawRequest, parts: StampParts = {}): Promise<RawAnswer> {
    return this.call(what, { [stampKey]: this.stamp(request, parts) });
  }

  /** What stands in the metadata of a request with a number. */
  stamp(request: number, { client, session = this.session, respondedTo = 0 }: StampParts = {}): string {
    return formatRequestStamp({ client: this.#client(client), session, request, respondedTo });
  }

  /** A read of the session. */
  read(
    what: RawRequest,
    parts: { readonly client?: number; readonly session?: number; readonly lastOp?: number } = {},
  ): Promise<RawAnswer> {
    const { client, session = this.session, lastOp = 0 } = parts;
    return this.call(what, {
      [readStampKey]: formatReadStamp({ client: this.#client(client), session, lastOp }),
    });
  }

  /** Registers with a nonce that is this number, and keeps the session number if there is one. */
  async register(parts: Registration = {}): Promise<ServiceAnswer<typeof service.register>> {
    const answer = await this.service(service.register, this.#registration(parts));
    if (answer.message !== undefined) this.session = Number(answer.message.session);
    return answer;
  }

  /** A Register as bytes. */
  registerRequest(parts: Registration = {}): RawRequest {
    const payload = encodeMessage(service.register.input, this.#registration(parts));
    return { method: wireName(service.register), payload };
  }

  /** Registers, and fails the test unless there is a session then; resolves with its number. */
  async open(parts: Registration = {}): Promise<number> {
    const { error } = await this.register(parts);
    if (error !== undefined) throw error;
    return this.session;
  }

  /** Resumes the session, which gets another number: with `nonce`, from the number that it has. */
  resume(nonce: number): Promise<number> {
    return this.open({ nonce, previous: this.session });
  }

  /** Logs in on the stream. */
  login(credentials: RawCredentials) {
    return this.service(service.login, { credentials });
  }

  /** Both at once. */
  async loginRegister(
    credentials: RawCredentials,
    parts: Registration = {},
  ): Promise<ServiceAnswer<typeof service.loginRegister>> {
    const register = this.#registration(parts);
    const answer = await this.service(service.loginRegister, { login: { credentials }, register });
    if (answer.message?.register !== undefined) this.session = Number(answer.message.register.session);
    return answer;
  }

  keepAlive(parts: StampParts = {}): Promise<ServiceAnswer<typeof service.keepAlive>> {
    const { respondedTo = 0 } = parts;
    return this.service(service.keepAlive, { ...this.#named(parts), respondedTo: BigInt(respondedTo) });
  }

  unregister(parts: StampParts = {}): Promise<ServiceAnswer<typeof service.unregister>> {
    return this.service(service.unregister, this.#named(parts));
  }

  /** A call of the session service. */
  async service<Method extends DescMethod>(
    method: Method,
    message: MessageInitShape<Method["input"]>,
    metadata: MetadataInit = {},
  ): Promise<ServiceAnswer<Method>> {
    const payload = encodeMessage(method.input, message);
    const answer = await this.call({ method: wireName(method), payload }, metadata);
    return { ...answer, message: answer.error === undefined ? decoded(method, answer.payload) : undefined };
  }

  async close(): Promise<void> {
    await this.configuration.close({ graceMs: 0 });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #registration(parts: Registration) {
    const { nonce = 1, previous = 0, cluster } = parts;
    return {
      client: fromHex(this.id),
      nonce: fromHex(id(nonce)),
      previous: BigInt(previous),
      clusterId: cluster ?? new Uint8Array(),
    };
  }

  #named({ client, session = this.session }: StampParts) {
    return { client: fromHex(this.#client(client)), session: BigInt(session) };
  }

  #client(client: number | undefined): string {
    return client === undefined ? this.id : id(client);
  }
}

function decoded<Method extends DescMethod>(
  { output }: Method,
  payload: Uint8Array,
): MessageShape<Method["output"]> {
  return decodeMessage(output, payload) as MessageShape<Method["output"]>;
}
