import type { ConnectionTls } from "../../../internal/transport/transport.js";
import type { Credentials } from "./credentials.js";
import { insecureCredentials } from "./login-errors.js";
import { isLocalAddress } from "./peer-address.js";

/** What says whether others can read along. */
export interface SecretCarrier {
  /** Where the peer is. */
  readonly remoteAddress: string;
  /** Undefined if the stream is plain text. */
  readonly tls: ConnectionTls | undefined;
}

/**
 * Refuses a secret on a stream that is neither encrypted nor within this host. The client asks before it sends one, for
 * then it is still one; the server asks again.
 *
 * @throws QuorateError FailedPrecondition, `INSECURE_CREDENTIALS`.
 */
export function checkTransport(
  { kind }: Credentials,
  { tls, remoteAddress }: SecretCarrier,
  options: { readonly allowInsecureCredentials?: boolean | undefined } = {},
): void {
  if (kind === "none" || tls !== undefined || options.allowInsecureCredentials === true) return;
  if (!isLocalAddress(remoteAddress)) throw insecureCredentials();
}
