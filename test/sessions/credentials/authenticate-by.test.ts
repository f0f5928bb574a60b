import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import type { Authenticator, User } from "../../../src/sessions/credentials/authenticate.js";
import { authenticateBy } from "../../../src/sessions/credentials/authenticate-by.js";
import {
  noCredentials,
  passwordCredentials,
  tokenCredentials,
} from "../../../src/sessions/credentials/credentials.js";
import { peerOf } from "./login-peer.js";

const all = [passwordCredentials("ann", "x"), tokenCredentials("x"), noCredentials];

function authenticatorOf(id: string): Authenticator {
  return { authenticate: () => ({ id }), stillValid: (user) => user.id === id };
}

const users: readonly User[] = [
  { id: "p", via: { kind: "password", name: "ann" } },
  { id: "t", via: { kind: "token", tokenId: "1" } },
  { id: "c", via: { kind: "certificate", fingerprint256: "" } },
];

describe("authenticateBy", () => {
  it("asks the one for the kind of the credentials, and later for the way of the user", async () => {
    const by = authenticateBy({
      password: authenticatorOf("p"),
      token: authenticatorOf("t"),
      none: authenticatorOf("c"),
    });
    const ids = await Promise.all(all.map(async (one) => (await by.authenticate(one, peerOf())).id));
    expect(ids).toEqual(["p", "t", "c"]);
    expect(await Promise.all(users.map(async (user) => by.stillValid(user)))).toEqual([true, true, true]);
  });

  it("refuses the kinds that it was not given, and users whose way it does not know", async () => {
    const by = authenticateBy({});
    for (const one of all) {
      await expect(by.authenticate(one, peerOf())).rejects.toMatchObject({
        code: Code.Unauthenticated,
        reason: "NOT_AUTHENTICATED",
      });
    }
    expect(await Promise.all([...users, { id: "x" }].map(async (user) => by.stillValid(user)))).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });
});
