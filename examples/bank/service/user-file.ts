import { readFile, writeFile } from "node:fs/promises";
import {
  type AccessTokenRecord,
  AccessTokens,
  type Authenticator,
  authenticateBy,
  type PasswordUser,
  passwordUsers,
  tokenUsers,
} from "quorate/sessions";

/** Who may log in at the bank: hashes only, so that the file gives nobody a way in. */
export interface BankUsers {
  /** Hashes of passwords, by the names of the users. */
  readonly passwords: Readonly<Record<string, string>>;
  readonly tokens: readonly AccessTokenRecord[];
}

/** Writes the file, which nobody but this user may read. */
export async function writeUserFile(path: string, users: BankUsers): Promise<void> {
  await writeFile(path, JSON.stringify(users, undefined, 2), { mode: 0o600 });
}

/** Users with passwords, and users with access tokens, as the file says. */
export async function authenticatorOf(path: string): Promise<Authenticator> {
  const { passwords, tokens } = JSON.parse(await readFile(path, "utf8")) as BankUsers;
  const users = new Map<string, PasswordUser>(
    Object.entries(passwords).map(([name, passwordHash]) => [name, { passwordHash }]),
  );
  return authenticateBy({
    password: passwordUsers({ users }),
    token: tokenUsers({ tokens: new AccessTokens({ records: tokens }) }),
  });
}
