import { Server, type ServerDuplexStream } from "@grpc/grpc-js";
import { Code } from "../errors/code.js";
import { QuorateError } from "../errors/quorate-error.js";
import {
  AcceptedGrpcStream,
  fromGrpcMetadata,
  identity,
  nodeStreamPath,
  toGrpcMetadata,
} from "./grpc-stream.js";
import { keepaliveOptions } from "./keepalive-options.js";
import { readPeerCertificate } from "./peer-certificate.js";
import { TcpListener } from "./tcp-listener.js";
import { serverCredentials } from "./tls-credentials.js";
import type { AcceptedStream, ConnectionTls, Listener, ListenOptions } from "./transport.js";

/** {@link Transport.listen} over grpc-js. Rejects with Unavailable, `LISTEN_FAILED`, and leaves nothing open. */
export async function listenGrpc(address: string, options: ListenOptions): Promise<Listener> {
  const server = new Server({
    "grpc.max_receive_message_length": options.maxReceiveBytes,
    "grpc.max_send_message_length": -1,
    ...keepaliveOptions(options.keepaliveMs, options.keepaliveTimeoutMs),
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
        const accepted = {
          stream,
          headers: fromGrpcMetadata(call.metadata),
          remoteAddress: call.getPeer(),
          tls: options.tls === undefined ? undefined : connectionTls(call),
          gone: stream.gone,
        };
        if (accept === undefined) held.push(accepted);
        else accept(accepted);
      },
    },
  );
  const injector = server.createConnectionInjector(serverCredentials(options.tls));
  const { host, port } = splitAddress(address);
  const bound = await TcpListener.bind(host, port, (socket) => injector.injectConnection(socket)).catch(
    (error: unknown) => {
      server.forceShutdown();
      const message = `quorate: cannot listen on ${address}: ${QuorateError.from(error).message}`;
      throw new QuorateError(Code.Unavailable, message, { reason: "LISTEN_FAILED", cause: error });
    },
  );
  return {
    address: `${address.slice(0, address.lastIndexOf(":"))}:${bound.port}`,
    accept: (accepted) => {
      accept = accepted;
      for (const stream of held) accepted(stream);
      held = [];
    },
    stop: () => {
      const stopped = bound.listener.stop();
      // It tells the clients, and lets go of connections without streams. What it waits for is no measure: it never
      // learns of the end of a session that was just being destroyed.
      server.tryShutdown(() => {});
      return stopped;
    },
    destroy: () => {
      bound.listener.destroy();
      server.forceShutdown();
    },
  };
}

/** What grpc-js tells of a connection is nothing unless the peer has a valid certificate; so that it is TLS is known. */
function connectionTls(call: ServerDuplexStream<Buffer, Buffer>): ConnectionTls {
  const { sslPeerCertificate: certificate } = call.getAuthContext();
  return { certificate: certificate && readPeerCertificate(certificate.raw) };
}

function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const at = address.lastIndexOf(":");
  return { host: address.slice(0, at).replace(/^\[(.*)\]$/, "$1"), port: Number(address.slice(at + 1)) };
}
