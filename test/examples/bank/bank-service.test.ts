import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code, connect, createClient, createServer } from "quorate";
import {
  AccessTokens,
  type Credentials,
  createMemoryLog,
  createSessions,
  hashPassword,
  openSession,
  passwordCredentials,
  sessionClient,
  tokenCredentials,
} from "quorate/sessions";
import { describe, expect, it } from "vitest";
import { Bank } from "../../../examples/bank/gen/bank/v1/bank_quorate.js";
import { BankMachine, bankStateVersion } from "../../../examples/bank/service/bank-machine.js";
import { bankService } from "../../../examples/bank/service/bank-service.js";
import { authenticatorOf, writeUserFile } from "../../../examples/bank/service/user-file.js";
import { checkLeaks } from "../../helpers/leaks.js";

checkLeaks();

/** A server of the bank, where ann has a password and bob a token. */
async function startBank() {
  const folder = await mkdtemp(join(tmpdir(), "bank-service-"));
  const file = join(folder, "bank-users.json");
  const tokens = new AccessTokens();
  const { token } = tokens.issue({ user: "bob" });
  const passwords = { ann: await hashPassword("secret", { logN: 8 }) };
  await writeUserFile(file, { passwords, tokens: tokens.records() });
  const machine = new BankMachine();
  const sessions = createSessions({ log: createMemoryLog(), authenticate: await authenticatorOf(file) });
  sessions.replicate(Bank, bankService(machine), {
    version: bankStateVersion,
    snapshot: () => machine.snapshot(),
    restore: (bytes, version) => machine.restore(bytes, version),
  });
  const server = await createServer({ address: "127.0.0.1:0", extensions: [sessions] });
  return {
    file,
    token: token.reveal(),
    login: async (credentials: Credentials) => {
      const configuration = await connect({ nodes: [server.address], extensions: [sessionClient()] });
      try {
        const session = await openSession(configuration, { credentials });
        const close = async () => {
          await session.close();
          await configuration.close();
        };
        return { bank: createClient(Bank, session), [Symbol.asyncDispose]: close };
      } catch (error) {
        await configuration.close();
        throw error;
      }
    },
    [Symbol.asyncDispose]: async () => {
      await server.close();
      await rm(folder, { recursive: true });
    },
  };
}

describe("the bank over sessions", () => {
  it("serves users with passwords and with tokens, each with accounts of their own", async () => {
    await using bank = await startBank();
    await using ann = await bank.login(passwordCredentials("ann", "secret"));
    await using bob = await bank.login(tokenCredentials(bank.token));
    expect(await ann.bank.openAccount({ id: "a", deposit: 100n })).toMatchObject({ owner: "ann" });
    expect(await bob.bank.openAccount({ id: "b" })).toMatchObject({ owner: "bob", balance: 0n });
    const request = { transferId: "t", from: "a", to: "b", amount: 30n };
    const receipt = await ann.bank.transfer(request);
    expect(receipt).toMatchObject({ fromBalance: 70n, toBalance: 30n });
    await expect(bob.bank.transfer(request)).rejects.toMatchObject({
      code: Code.PermissionDenied,
      reason: "NOT_YOUR_ACCOUNT",
    });
    await expect(ann.bank.transfer({ ...request, amount: 71n })).rejects.toMatchObject({
      code: Code.FailedPrecondition,
      reason: "INSUFFICIENT_FUNDS",
    });
    expect(await bob.bank.balance({ id: "a" })).toMatchObject({ balance: 70n });
    const { entries } = await bob.bank.ledger({});
    expect(entries).toMatchObject([{ ...request, user: "ann", op: receipt.op }]);
    expect(await bob.bank.totals({})).toMatchObject({ accounts: 2n, transfers: 1n, balances: 100n });
  });

  it("lets nobody in with something else", async () => {
    await using bank = await startBank();
    for (const credentials of [
      passwordCredentials("ann", "Secret"),
      passwordCredentials("bob", "secret"),
      tokenCredentials(`${bank.token.slice(0, -1)}-`),
    ]) {
      await expect(bank.login(credentials)).rejects.toMatchObject({
        code: Code.Unauthenticated,
        reason: "BAD_CREDENTIALS",
      });
    }
  });

  it("keeps its users in a file that others cannot read, without a secret in it", async () => {
    await using bank = await startBank();
    expect((await stat(bank.file)).mode & 0o777).toBe(0o600);
    const text = await readFile(bank.file, "utf8");
    expect(text).toContain("ann");
    expect(text).not.toContain("secret");
    expect(text).not.toContain(bank.token.slice(-20));
  });
});
