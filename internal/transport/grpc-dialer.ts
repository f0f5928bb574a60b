import { Client, connectivityState } from "@grpc/grpc-js";
import { Code } from "../errors/code.js";
import { QuorateError } from "../errors/quorate-error.js";
import { streamStatusError } from "../stream/stream-failure.js";
import type { Metadata } from "../wire/metadata.js";
import { DialledGrpcStream, identity, nodeStreamPath, toGrpcMetadata } from "./grpc-stream.js";
import { keepaliveOptions } from "./keepalive-options.js";
import { channelCredentials } from "./tls-credentials.js";
import type { DialledStream, DialOptions } from "./transport.js";
import { WatchedCredentials } from "./watched-credentials.js";

/** {@link Transport.dial} over grpc-js: a channel of its own for each attempt (J-21), without retries. */
export async function dialGrpc(
  address: string,
  headers: Metadata,
  options: DialOptions,
  signal: AbortSignal,
): Promise<DialledStream> {
  const metadata = toGrpcMetadata(headers);
  signal.throwIfAborted();
  const watched = new WatchedCredentials(channelCredentials(options.tls, address));
  const client = new Client(address, watched, channelOptions(options));
  // No deadline and no default service config: either would end the long-lived stream (J-08).
  const call = client.makeBidiStreamRequest(nodeStreamPath, identity, identity, metadata);
  const stream = new DialledGrpcStream(call, () => {
    client.close();
    watched.close();
  });
  return new Promise((resolve, reject) => {
    const giveUp = () => {
      stream.cancel();
      reject(QuorateError.from(signal.reason, Code.Canceled));
    };
    signal.addEventListener("abort", giveUp, { once: true });
    const settled = () => signal.removeEventListener("abort", giveUp);
    call.once("status", (status) => {
      settled();
      const failure = watched.tlsFailure;
      const message =
        failure === undefined ? status.details : `the TLS handshake with ${address} failed: ${failure}`;
      reject(streamStatusError({ code: status.code, message }));
    });
    const channel = client.getChannel();
    const watch = () => {
      const state = channel.getConnectivityState(false);
      if (state === connectivityState.READY) {
        settled();
        stream.tls = watched.tls;
        resolve(stream);
      } else if (state !== connectivityState.SHUTDOWN && !signal.aborted) {
        // A failed connection ends the call, whose status says why; so only changes matter here.
        channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, watch);
      }
    };
    watch();
  });
}

function channelOptions(options: DialOptions) {
  return {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_retries": 0,
    // With a retry buffer, writes are acknowledged before they are sent.
    "grpc.per_rpc_retry_buffer_size": 0,
    "grpc.service_config_disable_resolution": 1,
    "grpc.enable_channelz": 0,
    "grpc.max_receive_message_length": options.maxReceiveBytes,
    "grpc.max_send_message_length": -1,
    ...keepaliveOptions(options.keepaliveMs, 10_000),
  };
}
