import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { Code } from "../../../internal/errors/code.js";
import { invalidArgument, QuorateError } from "../../../internal/errors/quorate-error.js";
import { count } from "../../server/peer-options.js";
import { Secret } from "./secret.js";
import { isUserId } from "./user-checks.js";

/** What is known of a token, without it. */
export interface AccessTokenInfo {
  /** Stands in the token, and is no secret. */
  readonly id: string;
  /** The id of the user whom it stands for. */
  readonly user: string;
  /** For people: what it is for. */
  readonly name: string;
  /** All times are in milliseconds since 1970. */
  readonly createdAtMs: number;
  readonly expiresAtMs?: number | undefined;
  readonly revokedAtMs?: number | undefined;
}

/** A token as it is stored. The hash gives nobody the token, which has 256 random bits. */
export interface AccessTokenRecord extends AccessTokenInfo {
  /** The SHA-256 of the token, in 64 lower-case hex digits. */
  readonly hash: string;
}

/** What a token is to be. */
export interface AccessTokenRequest {
  readonly user: string;
  readonly name?: string;
  /** Default never. */
  readonly expiresAtMs?: number;
}

/** The options of {@link AccessTokens}. */
export interface AccessTokensOptions {
  /** What {@link AccessTokens.records} gave. */
  readonly records?: Iterable<AccessTokenRecord>;
  /** Tokens at a time, the expired and the revoked included; default 65,536. */
  readonly maxTokens?: number;
  /** The wall clock, in milliseconds since 1970; for tests. */
  readonly nowMs?: () => number;
}

/** What a token turned out to be. */
export type AccessTokenCheck =
  | { readonly kind: "valid" | "expired" | "revoked"; readonly token: AccessTokenInfo }
  | { readonly kind: "unknown" };

/**
 * Personal access tokens, `quorate_pat_<id>_<secret>`: a program that searches code for lost secrets can tell them by
 * their prefix. They are kept in memory as their hashes; whoever wants to keep them longer stores {@link records}.
 */
export class AccessTokens {
  readonly #records = new Map<string, AccessTokenRecord>();
  readonly #maxTokens: number;
  readonly #nowMs: () => number;

  /** @throws QuorateError InvalidArgument for records that no token has; ResourceExhausted, `TOO_MANY_TOKENS`. */
  constructor({ records = [], maxTokens, nowMs = Date.now }: AccessTokensOptions = {}) {
    this.#maxTokens = count("maxTokens", maxTokens, 65_536);
    this.#nowMs = nowMs;
    for (const record of records) this.#add(checkRecord(record));
  }

  /**
   * Makes a token. It can be read now and never again.
   *
   * @throws QuorateError InvalidArgument; ResourceExhausted, `TOO_MANY_TOKENS`: {@link prune} makes room.
   */
  issue({ user, name = "", expiresAtMs }: AccessTokenRequest): {
    readonly token: Secret;
    readonly info: AccessTokenInfo;
  } {
    const id = randomBytes(8).toString("hex");
    const token = `${prefix}${id}_${randomBytes(32).toString("base64url")}`;
    const createdAtMs = this.#nowMs();
    const hash = hashOf(token).toString("hex");
    const record = checkRecord({ id, user, name, createdAtMs, expiresAtMs, revokedAtMs: undefined, hash });
    this.#add(record);
    return { token: new Secret(token), info: infoOf(record) };
  }

  /** What this is. Takes equally long for a token that never was. */
  check(token: Secret | string): AccessTokenCheck {
    const text = typeof token === "string" ? token : token.reveal();
    const [, id = ""] = tokenPattern.exec(text.slice(0, maxTokenLength)) ?? [];
    const record = this.#records.get(id);
    const expected = record === undefined ? decoy : Buffer.from(record.hash, "hex");
    const isRight = timingSafeEqual(hashOf(text.slice(0, maxTokenLength)), expected);
    if (record === undefined || !isRight) return { kind: "unknown" };
    return { kind: this.#standing(record), token: infoOf(record) };
  }

  /** Whether the token of this id could be used now. */
  isValid(id: string): boolean {
    const record = this.#records.get(id);
    return record !== undefined && this.#standing(record) === "valid";
  }

  /** Revokes a token for good; false if there is none, or if it was revoked before. */
  revoke(id: string): boolean {
    const record = this.#records.get(id);
    if (record === undefined || record.revokedAtMs !== undefined) return false;
    this.#records.set(id, { ...record, revokedAtMs: this.#nowMs() });
    return true;
  }

  /** The tokens, or those of one user, in the order in which they were made. */
  list(user?: string): AccessTokenInfo[] {
    const all = [...this.#records.values()].map(infoOf);
    return user === undefined ? all : all.filter((info) => info.user === user);
  }

  /** What is to be stored, to make an `AccessTokens` of it later. */
  records(): AccessTokenRecord[] {
    return [...this.#records.values()];
  }

  /** Forgets the tokens that have expired or were revoked; returns how many. They are unknown from then on. */
  prune(): number {
    const before = this.#records.size;
    for (const [id, record] of this.#records)
      if (this.#standing(record) !== "valid") this.#records.delete(id);
    return before - this.#records.size;
  }

  #add(record: AccessTokenRecord): void {
    if (this.#records.has(record.id)) throw invalidArgument(`there are two tokens with the id ${record.id}`);
    if (this.#records.size >= this.#maxTokens) {
      const message = `quorate: there are ${this.#maxTokens} access tokens already (maxTokens)`;
      throw new QuorateError(Code.ResourceExhausted, message, { reason: "TOO_MANY_TOKENS" });
    }
    this.#records.set(record.id, record);
  }

  #standing({ revokedAtMs, expiresAtMs }: AccessTokenInfo): "valid" | "expired" | "revoked" {
    if (revokedAtMs !== undefined) return "revoked";
    return expiresAtMs !== undefined && expiresAtMs <= this.#nowMs() ? "expired" : "valid";
  }
}

const prefix = "quorate_pat_";
const tokenPattern = /^quorate_pat_([0-9a-f]{16})_[\w-]{43}$/;
/** One more than a token has, so that a longer text does not become one. */
const maxTokenLength = prefix.length + 16 + 1 + 43 + 1;
const decoy = randomBytes(32);

function hashOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

function infoOf({ hash: _, ...info }: AccessTokenRecord): AccessTokenInfo {
  return info;
}

function checkRecord(record: AccessTokenRecord): AccessTokenRecord {
  const { id, user, name, createdAtMs, expiresAtMs, revokedAtMs, hash } = record;
  if (!/^[0-9a-f]{16}$/.test(id) || !/^[0-9a-f]{64}$/.test(hash)) {
    throw invalidArgument("the record of an access token has no valid id and hash");
  }
  if (!isUserId(user)) throw invalidArgument(`the access token ${id} has no valid user id`);
  for (const time of [createdAtMs, expiresAtMs ?? 0, revokedAtMs ?? 0]) {
    if (!Number.isFinite(time)) throw invalidArgument(`the access token ${id} has a time that is none`);
  }
  return { id, user, name, createdAtMs, expiresAtMs, revokedAtMs, hash };
}
