import { format, inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import { AccessTokens } from "../../../src/sessions/credentials/access-tokens.js";
import { passwordCredentials, tokenCredentials } from "../../../src/sessions/credentials/credentials.js";
import { hashPassword } from "../../../src/sessions/credentials/password-hash.js";
import { passwordUsers } from "../../../src/sessions/credentials/password-users.js";
import { Secret } from "../../../src/sessions/credentials/secret.js";
import { tokenUsers } from "../../../src/sessions/credentials/token-users.js";
import { cheap, peerOf } from "./login-peer.js";

const text = "hunter2hunter2";

/** Everything that a careless line of code could make of a value. */
function renderings(value: object): string[] {
  return [
    format("%s", value),
    // What a template and a concatenation do.
    Reflect.apply(String, undefined, [value]),
    inspect(value, { depth: 9, showHidden: true, getters: true }),
    format("%s %o %O %j", value, value, value, value),
    JSON.stringify(value),
    JSON.stringify({ value, list: [value] }),
    inspect(Object.getOwnPropertyDescriptors(value), { depth: 9 }),
    inspect({ ...value }, { depth: 9 }),
    Object.entries(value).join(),
  ];
}

describe("Secret", () => {
  it("shows itself to nobody who does not ask for it", () => {
    const secret = new Secret(text);
    expect(secret.reveal()).toBe(text);
    expect(renderings(secret).join("\n")).not.toContain(text);
    expect(inspect(structuredClone({ secret }), { showHidden: true })).not.toContain(text);
    expect([String(secret), JSON.stringify(secret), inspect(secret)]).toEqual([
      "[secret]",
      '"[secret]"',
      "[secret]",
    ]);
  });

  it.each([
    ["a password", passwordCredentials("ann", text)],
    ["a token", tokenCredentials(text)],
  ])("hides %s in credentials, however they are printed", (_, credentials) => {
    expect(renderings(credentials).join("\n")).not.toContain(text);
  });

  it("stands in no error of a login, and in nothing that a login returns", async () => {
    const stored = await hashPassword(text, cheap);
    const tokens = new AccessTokens();
    const { token } = tokens.issue({ user: "ann" });
    const secrets = [text, stored, stored.slice(-43), token.reveal(), token.reveal().slice(-43)];
    const users = new Map([["ann", { passwordHash: stored }]]);
    const passwords = passwordUsers({ users, cost: cheap });
    const byToken = tokenUsers({ tokens });
    const wrong = `${token.reveal().slice(0, -1)}!`;
    const logins: readonly (() => unknown)[] = [
      () => passwords.authenticate(passwordCredentials("ann", text), peerOf()),
      () => byToken.authenticate(tokenCredentials(token.reveal()), peerOf()),
      () => passwords.authenticate(passwordCredentials("bob", text), peerOf()),
      () => passwords.authenticate(tokenCredentials(text), peerOf()),
      () => byToken.authenticate(tokenCredentials(wrong), peerOf()),
    ];
    const seen: unknown[] = [];
    for (const login of logins) seen.push(await Promise.resolve(login()).catch((error: unknown) => error));
    seen.push(passwords, byToken, tokens, tokens.list());
    expect(seen.filter((one) => one instanceof QuorateError)).toHaveLength(3);
    const shown = seen.flatMap((one) => renderings(one as object)).join("\n");
    for (const secret of [...secrets, wrong]) expect(shown).not.toContain(secret);
  });
});
