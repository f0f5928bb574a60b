import { invalidArgument } from "../../../../internal/errors/quorate-error.js";
import { readTls, type TlsOptions, type TlsSettings } from "../../../../internal/transport/tls-options.js";
import { parseAddress } from "../../../configuration/node-list.js";
import { insecureCredentials } from "../../credentials/login-errors.js";
import { isLocalAddress } from "../../credentials/peer-address.js";
import { Secret } from "../../credentials/secret.js";
import { type LogLimitOptions, mebibyte, positiveCount } from "../log-options.js";

/** How a log in etcd is opened. */
export interface EtcdLogOptions extends LogLimitOptions {
  /**
   * The members of one etcd cluster, `host:port` each. One is enough; with all of them any may be away. Which is asked
   * first is drawn by lot.
   */
  readonly endpoints: readonly string[];
  /** What the keys of this log begin with, and those of no other: text that ends in "/". */
  readonly prefix: string;
  /** TLS to etcd; default plain text. */
  readonly tls?: TlsOptions;
  /** The user of etcd's own access control; it needs to read and write all keys below the prefix. Default none. */
  readonly auth?: EtcdUser;
  /** Send the password of `auth` over plain text to other hosts; default false. */
  readonly allowInsecureCredentials?: boolean;
  /**
   * Milliseconds until a request that was not answered is tried at the next endpoint; default 500. The pause when a
   * leader of etcd is lost is its election time and up to one of these.
   */
  readonly tryTimeoutMs?: number;
  /** Milliseconds until a read, or the storing of a snapshot, fails that no endpoint answers; default 10,000. */
  readonly requestTimeoutMs?: number;
  /** Milliseconds without news after which a watch is held against the end of the log; default 2,000. */
  readonly watchCheckMs?: number;
  /** Bytes of one request that etcd takes, its `--max-request-bytes`; default 1.5 MiB, as there. */
  readonly maxRequestBytes?: number;
  /** Bytes of one entry; default what fits into one request. */
  readonly maxEntryBytes?: number;
  /** Appends that wait while others are written; default 65,536. Beyond it they fail with `LOG_QUEUE_FULL`. */
  readonly maxWaitingAppends?: number;
  /** Bytes of those; default 64 MiB. */
  readonly maxWaitingBytes?: number;
}

/** A user of etcd. */
export interface EtcdUser {
  readonly username: string;
  readonly password: string;
}

/** The options with their defaults, checked. */
export interface EtcdSettings {
  readonly endpoints: readonly string[];
  readonly prefix: string;
  readonly tls: TlsSettings | undefined;
  readonly auth: { readonly username: string; readonly password: Secret } | undefined;
  readonly tryTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly watchCheckMs: number;
  readonly maxRequestBytes: number;
  readonly maxEntryBytes: number;
  readonly maxWaitingAppends: number;
  readonly maxWaitingBytes: number;
}

/** What a request may have beside the entries: keys, conditions, the genesis. */
export const requestOverheadBytes: number = 64 * 1024;

/** Throws InvalidArgument, or FailedPrecondition, `INSECURE_CREDENTIALS`, for options that are wrong. */
export function readEtcdLogOptions(options: EtcdLogOptions): EtcdSettings {
  const { endpoints, prefix } = options;
  if (!Array.isArray(endpoints) || endpoints.length === 0) {
    throw invalidArgument("endpoints are the members of etcd, host:port each: there is none");
  }
  const hosts = endpoints.map((endpoint: string) => parseAddress(endpoint).host);
  if (typeof prefix !== "string" || !/^[^\0]{0,511}\/$/.test(prefix)) {
    throw invalidArgument(`prefix is text of up to 512 characters that ends in "/": it is "${prefix}"`);
  }
  const maxRequestBytes = positiveCount("maxRequestBytes", options.maxRequestBytes, 1.5 * mebibyte);
  if (maxRequestBytes < 2 * requestOverheadBytes) {
    throw invalidArgument(
      `maxRequestBytes is at least ${2 * requestOverheadBytes}: it is ${maxRequestBytes}`,
    );
  }
  const largest = maxRequestBytes - requestOverheadBytes;
  const maxEntryBytes = positiveCount("maxEntryBytes", options.maxEntryBytes, largest);
  if (maxEntryBytes > largest) {
    throw invalidArgument(`maxEntryBytes is at most ${largest}, with maxRequestBytes ${maxRequestBytes}`);
  }
  return {
    endpoints,
    prefix,
    tls: options.tls === undefined ? undefined : readTls(options.tls, "client"),
    auth: readUser(options, hosts),
    tryTimeoutMs: positiveCount("tryTimeoutMs", options.tryTimeoutMs, 500),
    requestTimeoutMs: positiveCount("requestTimeoutMs", options.requestTimeoutMs, 10_000),
    watchCheckMs: positiveCount("watchCheckMs", options.watchCheckMs, 2_000),
    maxRequestBytes,
    maxEntryBytes,
    maxWaitingAppends: positiveCount("maxWaitingAppends", options.maxWaitingAppends, 65_536),
    maxWaitingBytes: positiveCount("maxWaitingBytes", options.maxWaitingBytes, 64 * mebibyte),
  };
}

function readUser(
  { auth, tls, allowInsecureCredentials = false }: EtcdLogOptions,
  hosts: readonly string[],
): EtcdSettings["auth"] {
  if (auth === undefined) return undefined;
  const { username, password } = auth;
  if (typeof username !== "string" || username === "" || typeof password !== "string") {
    throw invalidArgument("auth has the username and the password of a user of etcd");
  }
  const isPrivate = tls !== undefined || hosts.every(isLocalAddress);
  if (!isPrivate && !allowInsecureCredentials) throw insecureCredentials();
  return { username, password: new Secret(password) };
}
