import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServiceDefinition,
  type UntypedHandleCall,
} from "@grpc/grpc-js";
import type { Code } from "../../../../internal/errors/code.js";
import {
  AuthenticateRequestSchema,
  AuthenticateResponseSchema,
  TxnRequestSchema,
  TxnResponseSchema,
  WatchRequestSchema,
  type WatchResponse,
  WatchResponseSchema,
} from "../../../../src/sessions/commit-log/etcd/gen/etcd/rpc_pb.js";

/** How a member answers a transaction: from a cluster of this id, with a status, or not at all. */
export type Answer =
  | { readonly clusterId: bigint }
  | { readonly code: Code; readonly message: string }
  | "silence";

/** A watch that a client has opened. */
export interface OpenedWatch {
  readonly metadata: Metadata;
  readonly startRevision: bigint;
  send(response: Partial<Pick<WatchResponse, "canceled" | "cancelReason">>, clusterId?: bigint): void;
  fail(code: Code, message: string): void;
}

/** A member of an etcd cluster that answers by script, on 127.0.0.1. */
export class ScriptedEtcd implements AsyncDisposable {
  readonly endpoint: string;
  /** The tokens that came with transactions. */
  readonly tokens: (string | undefined)[] = [];
  readonly logins: string[] = [];
  readonly watches: OpenedWatch[] = [];
  answer: (token: string | undefined) => Answer = () => ({ clusterId: 1n });
  /** Answers a login with a token, or a status. */
  logIn: (password: string) => string | { readonly code: Code; readonly message: string } = () => "token";
  readonly #server: Server;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.endpoint = `127.0.0.1:${port}`;
  }

  static async start(): Promise<ScriptedEtcd> {
    const server = new Server();
    const started: ScriptedEtcd[] = [];
    const self = () => {
      const [one] = started;
      if (one === undefined) throw new Error("it was asked before it was started");
      return one;
    };
    server.addService(definition, implementation(self));
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    const scripted = new ScriptedEtcd(server, port);
    started.push(scripted);
    return scripted;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.forceShutdown();
  }
}

function implementation(self: () => ScriptedEtcd): Record<string, UntypedHandleCall> {
  return {
    txn: (call: { request: Buffer; metadata: Metadata }, callback: Callback) => {
      const token = call.metadata.get("token")[0]?.toString();
      self().tokens.push(token);
      fromBinary(TxnRequestSchema, call.request);
      const answer = self().answer(token);
      if (answer === "silence") return;
      if ("code" in answer) return callback({ code: answer.code, details: answer.message });
      const header = { clusterId: answer.clusterId, revision: 7n };
      callback(null, Buffer.from(toBinary(TxnResponseSchema, create(TxnResponseSchema, { header }))));
    },
    authenticate: (call: { request: Buffer }, callback: Callback) => {
      const { name, password } = fromBinary(AuthenticateRequestSchema, call.request);
      self().logins.push(name);
      const token = self().logIn(password);
      if (typeof token !== "string") return callback({ code: token.code, details: token.message });
      callback(
        null,
        Buffer.from(toBinary(AuthenticateResponseSchema, create(AuthenticateResponseSchema, { token }))),
      );
    },
    watch: (call: ServerDuplexStream<Buffer, Buffer>) => {
      call.on("error", () => {});
      call.on("data", (bytes: Buffer) => {
        const { requestUnion } = fromBinary(WatchRequestSchema, bytes);
        self().watches.push({
          metadata: call.metadata,
          startRevision: requestUnion.case === "createRequest" ? requestUnion.value.startRevision : 0n,
          send: (response, clusterId = 1n) => {
            const message = create(WatchResponseSchema, { ...response, header: { clusterId, revision: 7n } });
            call.write(Buffer.from(toBinary(WatchResponseSchema, message)));
          },
          fail: (code, details) => call.emit("error", { code, details }),
        });
      });
    },
  };
}

type Callback = (error: { code: Code; details: string } | null, reply?: Buffer) => void;

const method = (path: string, isStream: boolean) => ({
  path,
  requestStream: isStream,
  responseStream: isStream,
  requestSerialize: (bytes: Buffer) => bytes,
  requestDeserialize: (bytes: Buffer) => bytes,
  responseSerialize: (bytes: Buffer) => bytes,
  responseDeserialize: (bytes: Buffer) => bytes,
});

const definition: ServiceDefinition = {
  txn: method("/etcdserverpb.KV/Txn", false),
  authenticate: method("/etcdserverpb.Auth/Authenticate", false),
  watch: method("/etcdserverpb.Watch/Watch", true),
};
