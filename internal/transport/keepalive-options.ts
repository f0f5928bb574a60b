import type { ChannelOptions } from "@grpc/grpc-js";

/** The options of grpc-js for pings; none for Infinity, which would overflow its timers to a millisecond. */
export function keepaliveOptions(keepaliveMs: number, keepaliveTimeoutMs: number): ChannelOptions {
  if (keepaliveMs === Number.POSITIVE_INFINITY) return {};
  return {
    "grpc.keepalive_time_ms": keepaliveMs,
    // An answer that may take for ever is waited for as long as a timer can.
    "grpc.keepalive_timeout_ms": Math.min(keepaliveTimeoutMs, 2 ** 31 - 1),
  };
}
