import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { Code } from "../../../internal/errors/code.js";
import { invalidArgument, QuorateError } from "../../../internal/errors/quorate-error.js";
import type { Secret } from "./secret.js";

/** What scrypt costs: time by all three, 128 × 2^`logN` × `blockSize` bytes of memory while it runs. */
export interface PasswordCost {
  /** The binary logarithm of N, 1 to 20; default 15. */
  readonly logN?: number;
  /** r, 1 to 32; default 8. */
  readonly blockSize?: number;
  /** p, 1 to 16; default 3. */
  readonly parallelism?: number;
}

/** A stored password, taken apart. */
export interface PasswordHash extends Required<PasswordCost> {
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

/**
 * The form in which a password is stored: `$scrypt$ln=15,r=8,p=3$<salt>$<hash>`, both in base64 without padding. The
 * default cost, 32 MiB and about 0.2 s, is the one that OWASP's Password Storage Cheat Sheet gives for N = 2^15.
 *
 * @param password 1 to 1,024 bytes in UTF-8, after NFKC normalisation.
 * @throws QuorateError InvalidArgument for another password, or a cost out of bounds.
 */
export async function hashPassword(password: Secret | string, cost: PasswordCost = {}): Promise<string> {
  const numbers = completeCost(cost);
  const bytes = passwordBytes(password);
  if (bytes === undefined) throw invalidArgument(`a password has 1 to ${maxPasswordBytes} bytes of text`);
  const salt = randomBytes(16);
  const hash = await derive(bytes, { ...numbers, salt, hash: new Uint8Array(hashBytes) });
  const { logN, blockSize, parallelism } = numbers;
  return `$scrypt$ln=${logN},r=${blockSize},p=${parallelism}$${base64(salt)}$${base64(hash)}`;
}

/**
 * The cost with the defaults for what it leaves out.
 *
 * @throws QuorateError InvalidArgument for a cost out of bounds, of which one is that it takes 256 MiB at most.
 */
export function completeCost({
  logN = 15,
  blockSize = 8,
  parallelism = 3,
}: PasswordCost = {}): Required<PasswordCost> {
  const cost = { logN, blockSize, parallelism };
  if (isWithinBounds(cost)) return cost;
  throw invalidArgument(
    `a password hash cannot cost logN ${logN}, blockSize ${blockSize}, parallelism ${parallelism}`,
  );
}

/** Whether this is the password. Takes equally long if it is not, and if it can be none. */
export async function verifyPassword(password: Secret | string, stored: PasswordHash): Promise<boolean> {
  const bytes = passwordBytes(password);
  const found = await derive(bytes ?? Buffer.alloc(0), stored);
  return timingSafeEqual(found, stored.hash) && bytes !== undefined;
}

/**
 * Takes the stored form of a password apart.
 *
 * @throws QuorateError Internal, which repeats nothing of it.
 */
export function parsePasswordHash(text: string): PasswordHash {
  const [, ln, r, p, salt, hash] =
    /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/.exec(
      text,
    ) ?? [];
  if (ln !== undefined && r !== undefined && p !== undefined && salt !== undefined && hash !== undefined) {
    const numbers = { logN: Number(ln), blockSize: Number(r), parallelism: Number(p) };
    if (isWithinBounds(numbers)) {
      return { ...numbers, salt: Buffer.from(salt, "base64"), hash: Buffer.from(hash, "base64") };
    }
  }
  throw new QuorateError(Code.Internal, "quorate: the stored password of the user cannot be read", {
    reason: "BAD_PASSWORD_HASH",
  });
}

/** A hash that no password has, for users who do not exist: to find that out must cost the same. */
export function decoyHash({ logN, blockSize, parallelism }: Required<PasswordCost>): PasswordHash {
  return { logN, blockSize, parallelism, salt: randomBytes(16), hash: randomBytes(hashBytes) };
}

const hashBytes = 32;
const maxPasswordBytes = 1_024;
const maxMemoryBytes = 256 * 1_048_576;

function derive(password: Uint8Array, stored: PasswordHash): Promise<Buffer> {
  const { logN, blockSize: r, parallelism: p, salt, hash } = stored;
  const N = 2 ** logN;
  return new Promise((resolve, reject) => {
    scrypt(password, salt, hash.length, { N, r, p, maxmem: 128 * r * (N + p + 2) }, (error, key) => {
      if (error === null) resolve(key);
      else reject(QuorateError.from(error, Code.Internal));
    });
  });
}

/** The same password typed on another system may be other code points: NIST SP 800-63B asks for NFKC or NFKD. */
function passwordBytes(password: Secret | string): Uint8Array | undefined {
  const text = typeof password === "string" ? password : password.reveal();
  // Before it is normalised: that takes time with the length.
  if (text.length > maxPasswordBytes || /\p{Surrogate}/u.test(text)) return undefined;
  const bytes = Buffer.from(text.normalize("NFKC"));
  return bytes.length === 0 || bytes.length > maxPasswordBytes ? undefined : bytes;
}

function isWithinBounds({ logN, blockSize, parallelism }: Required<PasswordCost>): boolean {
  return (
    isBetween(logN, 1, 20) &&
    isBetween(blockSize, 1, 32) &&
    isBetween(parallelism, 1, 16) &&
    128 * 2 ** logN * blockSize <= maxMemoryBytes
  );
}

function isBetween(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64").replaceAll("=", "");
}
