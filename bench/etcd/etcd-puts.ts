import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { createGrpcClient } from "../../internal/transport/grpc-client.js";
import { bytesOf } from "../../src/sessions/commit-log/etcd/etcd-keys.js";
import { PutRequestSchema, PutResponseSchema } from "../../src/sessions/commit-log/etcd/gen/etcd/rpc_pb.js";

/** A plain client of etcd, made of the same parts as the log's. */
export interface EtcdPuts extends Disposable {
  /** Puts a value, in a request of its own; resolves with the revision of etcd. */
  put(key: string, value: Uint8Array): Promise<number>;
}

/** Connects to one member, when it is used. */
export function connectPuts(endpoint: string): EtcdPuts {
  const client = createGrpcClient(endpoint, { tls: undefined, keepaliveMs: 6_000 });
  return {
    put: async (key, value) => {
      const request = create(PutRequestSchema, { key: bytesOf(key), value });
      const options = { timeoutMs };
      const reply = await client.unary("/etcdserverpb.KV/Put", toBinary(PutRequestSchema, request), options);
      return Number(fromBinary(PutResponseSchema, reply).header?.revision ?? 0n);
    },
    [Symbol.dispose]: () => client.close(),
  };
}

const timeoutMs = 10_000;
