import { invalidArgument } from "../../internal/errors/quorate-error.js";
import type { BackoffOptions } from "../../internal/stream/backoff.js";
import type { StreamLimits } from "../../internal/stream/peer-stream.js";
import type { SendQueueLimits } from "../../internal/stream/send-queue.js";
import { grpcTransport } from "../../internal/transport/grpc-transport.js";
import { readTls, type TlsOptions, type TlsSettings } from "../../internal/transport/tls-options.js";
import type { Transport } from "../../internal/transport/transport.js";
import { checkTimeout } from "../calls/call-options.js";
import { checkInterceptors } from "../calls/check-interceptors.js";
import type { ClientInterceptor } from "../configuration/client-interceptor.js";
import type { CallSettings } from "../configuration/peer-node.js";
import { EventHub, type QuorateEvent } from "../configuration/quorate-event.js";
import type { Extension } from "./extension.js";
import type { Prove } from "./prove.js";
import type { Router } from "./router.js";
import type { ServerInterceptor } from "./server-interceptor.js";

/** The options that `connect` and `createServer` have in common. */
export interface PeerOptions {
  /** What the peers on the other ends of the streams may call. */
  readonly routes?: (router: Router) => unknown;
  /** The time-out of calls that do not say one, in milliseconds; default 30,000, Infinity for none. */
  readonly defaultTimeoutMs?: number;
  /** Bytes of one message with its envelope; default 4 MiB (4,194,304). More fails that call alone. */
  readonly maxMessageBytes?: number;
  /** Requests of one stream that are queued or running; default 1,024. At the bound reading pauses. */
  readonly maxQueuedRequests?: number;
  /** Bytes of those requests; default 16 MiB. */
  readonly maxQueuedBytes?: number;
  /** Calls that wait to be sent to one node; default 65,536. Beyond it a call fails with `SEND_QUEUE_FULL`. */
  readonly maxQueuedCalls?: number;
  /** Bytes of those calls; default 64 MiB. */
  readonly maxQueuedCallBytes?: number;
  /** How long one attempt to connect may take, in milliseconds; default 10,000. */
  readonly connectTimeoutMs?: number;
  /**
   * Milliseconds between pings on the streams that are dialled; default 300,000, the least that a Go server allows
   * (J-07); Infinity for none. Set it to 20,000 where all servers are quorate.
   */
  readonly keepaliveMs?: number;
  /** How the waits between attempts to connect grow. */
  readonly backoff?: BackoffOptions;
  /** Keep the texts of errors that handlers throw and that are no QuorateError from callers; default false. */
  readonly maskErrors?: boolean;
  /**
   * Replies of one node to one call of a `correctable` method that wait to be read; default 1,024. Beyond it the node
   * fails for that call with `REPLY_QUEUE_FULL`.
   */
  readonly maxQueuedReplies?: number;
  /** What sees every call that is made to the nodes of this connection or server. */
  readonly clientInterceptors?: readonly ClientInterceptor[];
  /** What stands around every handler of `routes`; the first is the outermost. */
  readonly serverInterceptors?: readonly ServerInterceptor[];
  /** What is added as a whole, such as client sessions. The first one sees a request first. */
  readonly extensions?: readonly Extension[];
  /** TLS of the streams; default none. The transport within the process has none. */
  readonly tls?: TlsOptions;
  /** Proves to those who are dialled what a stream claims; see `sharedSecret()`. */
  readonly prove?: Prove;
  /** Told of what happens beside the calls. */
  readonly onEvent?: (event: QuorateEvent) => void;
  /** How streams are opened; default gRPC. See `quorate/testing` for one within the process. */
  readonly transport?: Transport;
}

/** The options with their defaults, checked. */
export interface PeerSettings {
  readonly calls: CallSettings;
  readonly events: EventHub;
  readonly limits: StreamLimits & SendQueueLimits;
  readonly connectTimeoutMs: number;
  readonly keepaliveMs: number;
  readonly backoff: BackoffOptions;
  readonly maskErrors: boolean;
  readonly serverInterceptors: readonly ServerInterceptor[];
  readonly transport: Transport;
  readonly tls: TlsSettings | undefined;
  readonly prove: Prove | undefined;
}

/** Checks the common options. Throws InvalidArgument that names the option. */
export function readPeerOptions(options: PeerOptions, role: "client" | "server" = "client"): PeerSettings {
  const maxMessageBytes = count("maxMessageBytes", options.maxMessageBytes, 4 * mebibyte);
  const { connectTimeoutMs = 10_000, onEvent, prove, routes, transport = grpcTransport } = options;
  checkFunctions({ onEvent, prove, routes });
  if (connectTimeoutMs === 0) throw invalidArgument("connectTimeoutMs must be above 0");
  const events = new EventHub(onEvent);
  return {
    events,
    calls: {
      defaultTimeoutMs: checkTimeout(options.defaultTimeoutMs ?? 30_000, "defaultTimeoutMs"),
      maxMessageBytes,
      maxQueuedReplies: count("maxQueuedReplies", options.maxQueuedReplies, 1_024),
      interceptors: checkInterceptors(options.clientInterceptors, "clientInterceptors"),
      events,
    },
    limits: {
      maxMessageBytes,
      maxQueuedRequests: count("maxQueuedRequests", options.maxQueuedRequests, 1_024),
      maxQueuedBytes: count("maxQueuedBytes", options.maxQueuedBytes, 16 * mebibyte),
      maxQueuedCalls: count("maxQueuedCalls", options.maxQueuedCalls, 65_536),
      maxQueuedCallBytes: count("maxQueuedCallBytes", options.maxQueuedCallBytes, 64 * mebibyte),
    },
    connectTimeoutMs: checkTimeout(connectTimeoutMs, "connectTimeoutMs"),
    keepaliveMs: interval("keepaliveMs", options.keepaliveMs, 300_000),
    backoff: checkBackoff(options.backoff ?? {}),
    maskErrors: options.maskErrors ?? false,
    serverInterceptors: checkInterceptors(options.serverInterceptors, "serverInterceptors"),
    transport,
    tls: readTlsOption(options.tls, role, transport),
    prove,
  };
}

/** A bound: an integer from 1 on. Throws InvalidArgument that names the option. */
export function count(name: string, value: number | undefined, byDefault: number): number {
  if (value === undefined) return byDefault;
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw invalidArgument(`${name} must be an integer from 1 on; it is ${value}`);
}

/** Milliseconds of a timer: an integer from 1 to what one can hold, or Infinity. Throws InvalidArgument that names the option. */
export function interval(name: string, value: number | undefined, byDefault: number): number {
  if (value === undefined) return byDefault;
  if (value === Number.POSITIVE_INFINITY || (Number.isInteger(value) && value >= 1 && value < 2 ** 31))
    return value;
  throw invalidArgument(`${name} must be an integer from 1 to 2147483647, or Infinity; it is ${value}`);
}

/** Checks options that are functions, if they are there. Throws InvalidArgument that names the option. */
export function checkFunctions(options: { readonly [name: string]: unknown }): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || typeof value === "function") continue;
    throw invalidArgument(`${name} must be a function; it is of type ${typeof value}`);
  }
}

const mebibyte = 1024 * 1024;

function readTlsOption(
  tls: TlsOptions | undefined,
  role: "client" | "server",
  transport: Transport,
): TlsSettings | undefined {
  if (tls === undefined) return undefined;
  if (transport.secure !== true)
    throw invalidArgument("tls cannot be had with a transport within the process");
  return readTls(tls, role);
}

/** The waits with their defaults. Throws InvalidArgument. */
export function checkBackoff(backoff: BackoffOptions): BackoffOptions {
  const { minMs = 100, maxMs = 3_000, factor = 1.6, jitter = 0.2 } = backoff;
  if (!(minMs >= 1 && maxMs >= minMs && maxMs < 2 ** 31 && factor >= 1 && jitter >= 0 && jitter <= 1)) {
    throw invalidArgument(
      "backoff needs 1 <= minMs <= maxMs, factor >= 1 and jitter from 0 to 1; " +
        `it is ${JSON.stringify({ minMs, maxMs, factor, jitter })}`,
    );
  }
  return { minMs, maxMs, factor, jitter };
}
