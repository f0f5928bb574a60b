import { randomBytes } from "node:crypto";
import { AccessTokens, hashPassword } from "quorate/sessions";
import { writeUserFile } from "../service/user-file.js";
import type { DemoLogin } from "./commands.js";

/** Half of the users get a password, the others a token. What the servers need to know goes to the file. */
export async function makeLogins(file: string, users: readonly string[]): Promise<DemoLogin[]> {
  const tokens = new AccessTokens();
  const passwords: Record<string, string> = {};
  const logins: DemoLogin[] = [];
  for (const [at, user] of users.entries()) {
    if (at < users.length / 2) {
      const password = randomBytes(16).toString("base64url");
      // Nobody guesses it, so it need not be costly to try; and each cut makes the client log in once more.
      passwords[user] = await hashPassword(password, { logN: 12 });
      logins.push({ kind: "password", user, password });
    } else {
      logins.push({ kind: "token", user, token: tokens.issue({ user, name: "demo" }).token.reveal() });
    }
  }
  await writeUserFile(file, { passwords, tokens: tokens.records() });
  return logins;
}
