import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { AccessTokens } from "../../../src/sessions/credentials/access-tokens.js";
import { noCredentials, tokenCredentials } from "../../../src/sessions/credentials/credentials.js";
import { LoginThrottle } from "../../../src/sessions/credentials/login-throttle.js";
import { tokenUsers } from "../../../src/sessions/credentials/token-users.js";
import { turn } from "../../helpers/turn.js";
import { ManualClock, peerOf } from "./login-peer.js";

function setUp() {
  const clock = { nowMs: 1_000 };
  const throttleClock = new ManualClock();
  const inactive = new Set<string>();
  const tokens = new AccessTokens({ nowMs: () => clock.nowMs });
  const throttle = new LoginThrottle({ freeAddressFailures: 2, firstDelayMs: 100, clock: throttleClock });
  const users = tokenUsers({ tokens, throttle, isActive: (user) => !inactive.has(user) });
  const { token, info } = tokens.issue({ user: "ann", expiresAtMs: 2_000 });
  const login = async (text = token.reveal(), peer = peerOf()) =>
    users.authenticate(tokenCredentials(text), peer);
  return { clock, throttleClock, inactive, tokens, throttle, users, info, login };
}

describe("tokenUsers", () => {
  it("lets in who has a token, for as long as that is good", async () => {
    const { login, info } = setUp();
    expect(await login()).toEqual({
      id: "ann",
      expiresAtMs: 2_000,
      via: { kind: "token", tokenId: info.id },
    });
  });

  it("refuses tokens that are unknown, expired or revoked, and users who are not active", async () => {
    const { login, clock, tokens, info, inactive } = setUp();
    inactive.add("ann");
    await expect(login()).rejects.toMatchObject({ code: Code.Unauthenticated, reason: "USER_INACTIVE" });
    inactive.clear();
    clock.nowMs = 2_000;
    await expect(login()).rejects.toMatchObject({
      code: Code.Unauthenticated,
      reason: "CREDENTIALS_EXPIRED",
    });
    clock.nowMs = 1_000;
    tokens.revoke(info.id);
    await expect(login(undefined, peerOf({ remoteAddress: "127.0.0.2:1" }))).rejects.toMatchObject({
      code: Code.Unauthenticated,
      reason: "CREDENTIALS_EXPIRED",
    });
    await expect(login("quorate_pat_", peerOf({ remoteAddress: "127.0.0.3:1" }))).rejects.toMatchObject({
      code: Code.Unauthenticated,
      reason: "BAD_CREDENTIALS",
    });
  });

  it("makes those wait who fail, and never a token that is good", async () => {
    const { login, throttleClock } = setUp();
    for (let at = 0; at < 2; at++)
      await expect(login("wrong")).rejects.toMatchObject({ reason: "BAD_CREDENTIALS" });
    const slowed = login("wrong");
    await turn();
    expect(throttleClock.waiting).toBe(1);
    expect(await login()).toMatchObject({ id: "ann" });
    throttleClock.advance(100);
    await expect(slowed).rejects.toMatchObject({ reason: "BAD_CREDENTIALS" });
    // What has ended is forgotten some day; what was under way for ever would not be.
    throttleClock.advance(900_000);
    for (let at = 0; at < 2; at++) {
      await expect(login("wrong")).rejects.toMatchObject({ reason: "BAD_CREDENTIALS" });
    }
  });

  it("says of users who are logged in whether they may stay", async () => {
    const { login, users, tokens, info, inactive, clock } = setUp();
    const user = await login();
    expect(await users.stillValid(user)).toBe(true);
    inactive.add("ann");
    expect(await users.stillValid(user)).toBe(false);
    inactive.clear();
    clock.nowMs = 2_000;
    expect(await users.stillValid(user)).toBe(false);
    clock.nowMs = 1_999;
    expect(await users.stillValid(user)).toBe(true);
    tokens.revoke(info.id);
    expect(await users.stillValid(user)).toBe(false);
    expect(await users.stillValid({ id: "ann" })).toBe(false);
  });

  it("takes no other credentials", async () => {
    const { users } = setUp();
    await expect(users.authenticate(noCredentials, peerOf())).rejects.toMatchObject({
      reason: "NOT_AUTHENTICATED",
    });
  });
});
