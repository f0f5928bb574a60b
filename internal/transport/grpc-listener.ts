import { Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import { Code } from "../errors/code.js";
import { QuorateError } from "../errors/quorate-error.js";
import {
  AcceptedGrpcStream,
  fromGrpcMetadata,
  identity,
  nodeStreamPath,
  toGrpcMetadata,
} from "./grpc-stream.js";
import type { AcceptedStream, Listener, ListenOptions } from "./transport.js";

/** {@link Transport.listen} over grpc-js. Rejects with Unavailable, `LISTEN_FAILED`, and leaves nothing open. */
export async function listenGrpc(address: string, options: ListenOptions): Promise<Listener> {
  const server = new Server({
    "grpc.max_receive_message_length": options.maxReceiveBytes,
    "grpc.max_send_message_length": -1,
    "grpc.keepalive_time_ms": Math.min(options.keepaliveMs, 2 ** 31 - 1),
    "grpc.keepalive_timeout_ms": options.keepaliveTimeoutMs,
    "grpc.enable_channelz": 0,
  });
  const headers = toGrpcMetadata(options.headers);
  let accept: ((stream: AcceptedStream) => void) | undefined;
  let held: AcceptedStream[] = [];
  server.addService(
    {
      nodeStream: {
        path: nodeStreamPath,
        requestStream: true,
        responseStream: true,
        requestSerialize: identity,
        requestDeserialize: identity,
        responseSerialize: identity,
        responseDeserialize: identity,
      },
    },
    {
      nodeStream: (call: ServerDuplexStream<Buffer, Buffer>) => {
        // At once, so that the peer sees that it was accepted and what we take (J-01).
        call.sendMetadata(headers.clone());
        const stream = new AcceptedGrpcStream(call);
        const accepted = { stream, headers: fromGrpcMetadata(call.metadata), remoteAddress: call.getPeer() };
        if (accept === undefined) held.push(accepted);
        else accept(accepted);
      },
    },
  );
  const port = await bind(server, address);
  return {
    address: `${address.slice(0, address.lastIndexOf(":"))}:${port}`,
    accept: (accepted) => {
      accept = accepted;
      for (const stream of held) accepted(stream);
      held = [];
    },
    stop: () =>
      new Promise((resolve, reject) => {
        server.tryShutdown((error) => (error ? reject(QuorateError.from(error)) : resolve()));
      }),
    destroy: () => server.forceShutdown(),
  };
}

function bind(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) return resolve(port);
      server.forceShutdown();
      const message = `quorate: cannot listen on ${address}: ${error.message}`;
      reject(new QuorateError(Code.Unavailable, message, { reason: "LISTEN_FAILED", cause: error }));
    });
  });
}
