import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import {
  completeCost,
  decoyHash,
  hashPassword,
  parsePasswordHash,
  verifyPassword,
} from "../../../src/sessions/credentials/password-hash.js";
import { Secret } from "../../../src/sessions/credentials/secret.js";
import { thrownBy } from "../client/client-session.js";
import { cheap } from "./login-peer.js";

describe("hashPassword", () => {
  it("is taken by verifyPassword with this password, and with no other", async () => {
    const stored = parsePasswordHash(await hashPassword("correct horse", cheap));
    expect(await verifyPassword("correct horse", stored)).toBe(true);
    expect(await verifyPassword(new Secret("correct horse"), stored)).toBe(true);
    expect(await verifyPassword("correct horsf", stored)).toBe(false);
    expect(await verifyPassword("", stored)).toBe(false);
  });

  it("has a salt of its own each time, and its cost in the text", async () => {
    const [one, other] = await Promise.all([hashPassword("same", cheap), hashPassword("same", cheap)]);
    expect(one).not.toBe(other);
    expect(one).toMatch(/^\$scrypt\$ln=1,r=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(parsePasswordHash(one)).toMatchObject({ logN: 1, blockSize: 1, parallelism: 1 });
  });

  it("costs 32 MiB unless it is told otherwise", () => {
    expect(completeCost()).toEqual({ logN: 15, blockSize: 8, parallelism: 3 });
  });

  it("is scrypt of RFC 7914: the test vector with N = 1024, r = 8, p = 16", async () => {
    const hash =
      "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640";
    const base64 = (bytes: Buffer) => bytes.toString("base64").replaceAll("=", "");
    const text = `$scrypt$ln=10,r=8,p=16$${base64(Buffer.from("NaCl0000"))}$${base64(Buffer.from(hash, "hex"))}`;
    const stored = { ...parsePasswordHash(text), salt: Buffer.from("NaCl") };
    expect(await verifyPassword("password", stored)).toBe(true);
  });

  it("takes a password as the same however its characters are composed", async () => {
    const stored = parsePasswordHash(await hashPassword("Zo\u00eb", cheap));
    expect(await verifyPassword("Zoe\u0308", stored)).toBe(true);
    expect(await verifyPassword("Zoe", stored)).toBe(false);
  });

  it.each([
    ["is empty", ""],
    ["is too long", "x".repeat(1_025)],
    ["is too long in bytes", "ä".repeat(600)],
    ["is no text", "\ud800"],
  ])("refuses a password that %s; it is never right either", async (_, password) => {
    await expect(hashPassword(password, cheap)).rejects.toMatchObject({ code: Code.InvalidArgument });
    expect(await verifyPassword(password, decoyHash(completeCost(cheap)))).toBe(false);
  });

  it.each([{ logN: 0 }, { logN: 21 }, { logN: 1.5 }, { blockSize: 0 }, { parallelism: 17 }, { logN: 19 }])(
    "refuses the cost %j",
    async (cost) => {
      await expect(hashPassword("x", cost)).rejects.toMatchObject({ code: Code.InvalidArgument });
    },
  );
});

describe("verifyPassword", () => {
  it("does not take the empty password for what was hashed from nothing", async () => {
    // Scrypt of no bytes, which is what a password that can be none is checked with.
    const empty = parsePasswordHash(await hashPassword("x", cheap));
    const { scryptSync } = await import("node:crypto");
    const hash = scryptSync("", empty.salt, 32, { N: 2, r: 1, p: 1 });
    expect(await verifyPassword("", { ...empty, hash })).toBe(false);
  });
});

describe("parsePasswordHash", () => {
  const salt = "A".repeat(22);
  const hash = "B".repeat(43);
  it.each([
    "",
    "plain text",
    `$scrypt$ln=15,r=8,p=3$${salt}$${hash}$`,
    `$scrypt$ln=15,r=8$${salt}$${hash}`,
    `$scrypt$ln=21,r=8,p=1$${salt}$${hash}`,
    `$scrypt$ln=20,r=32,p=1$${salt}$${hash}`,
    `$scrypt$ln=0,r=8,p=1$${salt}$${hash}`,
    `$scrypt$ln=15,r=8,p=3$${"A".repeat(10)}$${hash}`,
    `$scrypt$ln=15,r=8,p=3$${salt}$${"B".repeat(21)}`,
    `$scrypt$ln=15,r=8,p=3$${salt}$${hash}\n`,
    `$argon2id$v=19$m=65536,t=3,p=4$${salt}$${hash}`,
  ])("refuses %j, and repeats nothing of it", (text) => {
    const error = thrownBy(() => parsePasswordHash(text));
    expect(error).toMatchObject({ code: Code.Internal, reason: "BAD_PASSWORD_HASH" });
    expect(error.message).toBe("quorate: the stored password of the user cannot be read");
  });
});
