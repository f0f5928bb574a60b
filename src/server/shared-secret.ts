import { createHmac, createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from "node:crypto";
import { Code } from "../../internal/errors/code.js";
import { invalidArgument, QuorateError } from "../../internal/errors/quorate-error.js";
import type { Identify } from "./identify.js";
import type { PeerClaim } from "./peer-identity.js";
import { count } from "./peer-options.js";
import type { Prove } from "./prove.js";
import { ReplayGuard } from "./replay-guard.js";

/** The stream metadata with the proof of a shared secret. */
export const proofHeader = "quorate-proof";

/** The options of {@link sharedSecret}. */
export interface SharedSecretOptions {
  /** Older secrets that are still believed, while a new one is being rolled out. */
  readonly previous?: readonly (string | Uint8Array)[];
  /** How far the clocks of two peers may be apart, in milliseconds; default 30,000. As long can a proof be used. */
  readonly windowMs?: number;
  /** Proofs that a server remembers, so that none is used twice; default 65,536. Beyond it streams are refused. */
  readonly maxRemembered?: number;
}

/** Both halves of {@link sharedSecret}, for the options of these names. */
export interface SharedSecret {
  /** Of `createServer`: lets in whoever has proven the secret, as what it claims to be. */
  readonly identify: Identify;
  /** Of `createServer` and `connect`: proves the secret to those who are dialled. */
  readonly prove: Prove;
}

/**
 * Who has the secret may be whoever it says. Every attempt to connect carries a new proof: the HMAC-SHA-256 of what it
 * claims to be, of the node that a replica dials, of the time and of a random number. The secret itself is never sent.
 *
 * It says who opens a stream, and nothing of what comes on it: without TLS, whoever can change the packets on their way
 * can take the stream over, and whoever sees them can read it. See docs/security.md.
 *
 * @param secret of 16 bytes or more; a string counts in UTF-8. Make it of random bytes: a proof lets others try guesses.
 * @throws QuorateError InvalidArgument.
 */
export function sharedSecret(secret: string | Uint8Array, options: SharedSecretOptions = {}): SharedSecret {
  const current = keyOf(secret);
  const keys = [current, ...(options.previous ?? []).map(keyOf)];
  const windowMs = count("windowMs", options.windowMs, 30_000);
  const maxRemembered = count("maxRemembered", options.maxRemembered, 65_536);
  // From one window ahead of us to one behind.
  const used = new ReplayGuard(2 * windowMs, maxRemembered);
  return {
    prove: ({ claim, serverId }) => {
      const stamp = `1.${Date.now()}.${randomBytes(16).toString("base64url")}`;
      const mac = macOf(current, stamp, claim, serverId).toString("base64url");
      return { [proofHeader]: `${stamp}.${mac}` };
    },
    identify: ({ claim, metadata, serverId }) => {
      const { stamp, sentMs, nonce, mac } = parseProof(metadata.getAll(proofHeader));
      const proven = keys.some((key) => timingSafeEqual(macOf(key, stamp, claim, serverId), mac));
      if (!proven)
        throw refused("is not valid: it is of another secret, for another claim, or for another server");
      const nowMs = Date.now();
      const ageMs = nowMs - sentMs;
      if (Math.abs(ageMs) > windowMs) {
        throw refused(`is ${ageMs} ms old by the clock of this server; it is valid for ${windowMs} ms`);
      }
      used.use(nonce, nowMs);
      return claim.kind === "node" ? { nodeId: claim.id } : {};
    },
  };
}

function keyOf(secret: unknown): KeyObject {
  if (typeof secret !== "string" && !(secret instanceof Uint8Array)) {
    throw invalidArgument("the secret of sharedSecret() must be a string or bytes");
  }
  const bytes = Buffer.from(secret);
  if (bytes.length < 16) throw invalidArgument("the secret of sharedSecret() must have 16 bytes or more");
  // A key object does not show what it holds, whatever it is printed with.
  return createSecretKey(bytes);
}

/**
 * The ids of nodes mean the same to all replicas, so that what is proven to one of them cannot be used at another. A
 * client has numbers of its own for its servers (F-37).
 */
function macOf(key: KeyObject, stamp: string, claim: PeerClaim, serverId: number | undefined): Buffer {
  const who = claim.kind === "node" ? `node ${claim.id} to node ${serverId ?? "?"}` : claim.kind;
  return createHmac("sha256", key).update(`quorate-proof\n${who}\n${stamp}`).digest();
}

function parseProof(values: readonly string[]) {
  const [value = ""] = values;
  if (value === "") throw refused("is missing");
  const match = /^((1)\.(\d{1,15})\.([\w-]{22}))\.([\w-]{43})$/.exec(value);
  const [, stamp, , sentMs, nonce, mac] = match ?? [];
  if (values.length > 1 || stamp === undefined || nonce === undefined || mac === undefined) {
    throw refused("cannot be read");
  }
  const bytes = Buffer.from(mac, "base64url");
  return { stamp, sentMs: Number(sentMs), nonce, mac: bytes };
}

function refused(why: string): QuorateError {
  const message = `quorate: the proof of the shared secret (stream metadata ${proofHeader}) ${why}`;
  return new QuorateError(Code.Unauthenticated, message, { reason: "NOT_IDENTIFIED" });
}
