import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { type AccessTokenRecord, AccessTokens } from "../../../src/sessions/credentials/access-tokens.js";
import { thrownBy } from "../client/client-session.js";

/** A clock that stands still until it is set. */
function tokensAt(startMs = 1_000) {
  const clock = { nowMs: startMs };
  return { clock, tokens: new AccessTokens({ nowMs: () => clock.nowMs }) };
}

describe("AccessTokens", () => {
  it("issues tokens with 256 random bits and a prefix that tells what they are", () => {
    const { tokens } = tokensAt();
    const issued = Array.from({ length: 50 }, () => tokens.issue({ user: "ann" }).token.reveal());
    expect(new Set(issued.map((token) => token.slice(-43))).size).toBe(50);
    for (const token of issued) {
      expect(token).toMatch(/^quorate_pat_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/);
      expect(Buffer.from(token.slice(-43), "base64url")).toHaveLength(32);
    }
  });

  it("knows a token again, and says whose it is", () => {
    const { tokens } = tokensAt();
    const { token, info } = tokens.issue({ user: "ann", name: "laptop", expiresAtMs: 2_000 });
    expect(info).toEqual({
      id: token.reveal().slice(12, 28),
      user: "ann",
      name: "laptop",
      createdAtMs: 1_000,
      expiresAtMs: 2_000,
      revokedAtMs: undefined,
    });
    expect(tokens.check(token)).toEqual({ kind: "valid", token: info });
    expect(tokens.check(token.reveal())).toEqual({ kind: "valid", token: info });
    expect(tokens.isValid(info.id)).toBe(true);
  });

  it("knows no other text", () => {
    const { tokens } = tokensAt();
    const text = tokens.issue({ user: "ann" }).token.reveal();
    const other = tokens.issue({ user: "bob" }).token.reveal();
    const last = text.endsWith("A") ? "B" : "A";
    const texts = [
      "",
      text.slice(0, -1),
      text.slice(0, -1) + last,
      `${text}A`,
      ` ${text}`,
      text.toUpperCase(),
      text.slice(0, 28) + other.slice(28),
      text.slice(12),
      "x".repeat(100_000),
    ];
    expect(texts.map((odd) => tokens.check(odd))).toEqual(texts.map(() => ({ kind: "unknown" })));
    expect(tokens.isValid("0".repeat(16))).toBe(false);
  });

  it("keeps no token: what is stored has its SHA-256 only", () => {
    const { tokens } = tokensAt();
    const token = tokens.issue({ user: "ann" }).token.reveal();
    const [record] = tokens.records();
    expect(record?.hash).toBe(createHash("sha256").update(token).digest("hex"));
    expect(JSON.stringify(tokens.records())).not.toContain(token.slice(-43));
  });

  it("lists them without token and hash, those of all or of one user", () => {
    const { tokens } = tokensAt();
    const issued = ["ann", "bob", "ann"].map((user) => tokens.issue({ user }).info);
    expect(tokens.list()).toEqual(issued);
    expect(tokens.list("ann")).toEqual([issued[0], issued[2]]);
    expect(JSON.stringify(tokens.list())).not.toMatch(/hash|quorate_pat/);
  });

  it("ends a token at its time, to the millisecond", () => {
    const { tokens, clock } = tokensAt();
    const { token, info } = tokens.issue({ user: "ann", expiresAtMs: 2_000 });
    clock.nowMs = 1_999;
    expect(tokens.check(token).kind).toBe("valid");
    clock.nowMs = 2_000;
    expect(tokens.check(token).kind).toBe("expired");
    expect(tokens.isValid(info.id)).toBe(false);
  });

  it("revokes a token for good, and tells who has it", () => {
    const { tokens, clock } = tokensAt();
    const { token, info } = tokens.issue({ user: "ann", expiresAtMs: 9_000 });
    clock.nowMs = 1_500;
    expect([tokens.revoke(info.id), tokens.revoke(info.id), tokens.revoke("0".repeat(16))]).toEqual([
      true,
      false,
      false,
    ]);
    expect(tokens.check(token)).toEqual({ kind: "revoked", token: { ...info, revokedAtMs: 1_500 } });
    expect(tokens.isValid(info.id)).toBe(false);
    clock.nowMs = 9_000;
    expect(tokens.check(token).kind).toBe("revoked");
  });

  it("goes on from what was stored", () => {
    const { tokens } = tokensAt();
    const kept = tokens.issue({ user: "ann" });
    const revoked = tokens.issue({ user: "bob" });
    tokens.revoke(revoked.info.id);
    const stored = JSON.parse(JSON.stringify(tokens.records())) as AccessTokenRecord[];
    const later = new AccessTokens({ records: stored });
    expect(later.check(kept.token)).toEqual({ kind: "valid", token: kept.info });
    expect(later.check(revoked.token).kind).toBe("revoked");
    expect(later.records()).toEqual(tokens.records());
  });

  it("has a bound, and makes room by forgetting what nobody can use any more", () => {
    const clock = { nowMs: 1_000 };
    const tokens = new AccessTokens({ maxTokens: 3, nowMs: () => clock.nowMs });
    const kept = tokens.issue({ user: "ann" });
    tokens.revoke(tokens.issue({ user: "ann" }).info.id);
    tokens.issue({ user: "ann", expiresAtMs: 2_000 });
    expect(thrownBy(() => tokens.issue({ user: "ann" }))).toMatchObject({
      code: Code.ResourceExhausted,
      reason: "TOO_MANY_TOKENS",
    });
    clock.nowMs = 2_000;
    expect(tokens.prune()).toBe(2);
    expect(tokens.list()).toEqual([kept.info]);
    tokens.issue({ user: "ann" });
  });

  const record = { id: "0".repeat(16), user: "ann", name: "", createdAtMs: 1, hash: "0".repeat(64) };
  it.each<Partial<AccessTokenRecord>>([
    { id: "1" },
    { hash: "" },
    { hash: "A".repeat(64) },
    { user: "" },
    { user: "a\u0000b" },
    { createdAtMs: Number.NaN },
    { expiresAtMs: Number.POSITIVE_INFINITY },
  ])("refuses a record with %j", (changes) => {
    const error = thrownBy(() => new AccessTokens({ records: [{ ...record, ...changes }] }));
    expect(error.code).toBe(Code.InvalidArgument);
  });

  it("refuses two records of one id, and a user that there cannot be", () => {
    expect(thrownBy(() => new AccessTokens({ records: [record, record] })).code).toBe(Code.InvalidArgument);
    expect(thrownBy(() => new AccessTokens().issue({ user: "" })).code).toBe(Code.InvalidArgument);
  });
});
