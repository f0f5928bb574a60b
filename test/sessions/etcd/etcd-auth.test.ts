import { describe, expect, it } from "vitest";
import { type EtcdLogOptions, openEtcdLog } from "../../../src/sessions/commit-log/etcd/index.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { useEtcd } from "../../helpers/use-etcd.js";
import { begun, bytes, reader, readTexts, take, text } from "../commit-log/log-helpers.js";
import { askEtcd, fieldAt, firstOf, rangeOf } from "./etcd-gateway.js";
import { openWatchedLog } from "./watched-client.js";

checkLeaks();

const prefix = "bank/";
const passwords = { root: "root's", teller: "teller's", auditor: "auditor's", stranger: "stranger's" };

describe("a log in an etcd with users", () => {
  const etcd = useEtcd({ flags: ["--bcrypt-cost", "4"] });
  let isGuarded = false;

  /** What a user of etcd opens the log with; the users are made before the first. */
  async function as(
    username: keyof typeof passwords,
    password = passwords[username],
  ): Promise<EtcdLogOptions> {
    if (!isGuarded) await guard();
    return { endpoints: etcd().endpoints, prefix, auth: { username, password } };
  }

  async function guard(): Promise<void> {
    isGuarded = true;
    const ask = (path: string, body: object) => askEtcd(firstOf(etcd()), path, body);
    const rights = { teller: "READWRITE", auditor: "READ" };
    for (const [name, permType] of Object.entries(rights)) {
      await ask("auth/role/add", { name });
      await ask("auth/role/grant", { name, perm: { permType, ...rangeOf(prefix) } });
    }
    await ask("auth/role/add", { name: "root" });
    for (const [name, password] of Object.entries(passwords)) await ask("auth/user/add", { name, password });
    for (const name of ["root", ...Object.keys(rights)])
      await ask("auth/user/grant", { user: name, role: name });
    await ask("auth/enable", {});
  }

  /** Asks etcd for what only root may. */
  async function asRoot(path: string, body: object): Promise<void> {
    const member = firstOf(etcd());
    const answer = await askEtcd(member, "auth/authenticate", { name: "root", password: passwords.root });
    await askEtcd(member, path, body, String(fieldAt(answer, "token")));
  }

  it("is written and read by a user who may", async () => {
    await using log = await begun(openEtcdLog(await as("teller")));
    const op = await log.append(bytes("one"));
    expect(await readTexts(log)).toEqual(["one"]);
    expect(await log.saveSnapshot(op, bytes("state"))).toBe(true);
    expect(await log.loadSnapshot()).toMatchObject({ op });
  });

  it.each([
    {
      who: "nobody",
      says: "user name is empty",
      open: async () => ({ ...(await as("root")), auth: undefined }),
    },
    { who: "a wrong password", says: "invalid user ID or password", open: () => as("teller", "wrong") },
    { who: "a user without rights below the prefix", says: "permission denied", open: () => as("stranger") },
  ])("says so at once to $who", async ({ says, open }) => {
    const { auth, ...options } = await open();
    await using log = openEtcdLog({ ...options, ...(auth === undefined ? {} : { auth }) });
    const denied = { reason: "LOG_UNAVAILABLE", message: expect.stringContaining(says) };
    await expect(log.genesis(bytes("genesis"))).rejects.toMatchObject(denied);
    await expect(log.tail()).rejects.toMatchObject(denied);
    await expect(log.loadSnapshot()).rejects.toMatchObject(denied);
    await expect(take(reader(log), 1)).rejects.toMatchObject(denied);
  });

  it("takes no entries of a user who may only read", async () => {
    await using teller = await begun(openEtcdLog(await as("teller")));
    await using auditor = openEtcdLog(await as("auditor"));
    expect(await auditor.tail()).toBe(await teller.tail());
    await expect(auditor.genesis(bytes("genesis"))).rejects.toMatchObject({
      reason: "LOG_UNAVAILABLE",
      message: expect.stringContaining("permission denied"),
    });
  });

  it("goes on when etcd takes its token no longer, for those who write and those who only follow", async () => {
    const options = await as("teller");
    await using log = await begun(openEtcdLog(options));
    await using other = await begun(openEtcdLog(options));
    await log.append(bytes("before"));
    const follower = reader(other, (await log.tail()) - 1);
    expect((await take(follower, 1)).map(({ entry }) => text(entry))).toEqual(["before"]);
    const next = take(follower, 1);
    // Which ends the tokens of the user, of whom etcd knows that they were given out before.
    await asRoot("auth/user/changepw", { name: "teller", password: passwords.teller });
    const [member] = etcd().members;
    await member?.kill();
    await member?.start();
    await log.append(bytes("after"));
    let came: string[] = [];
    const told = next.then((found) => {
      came = found.map(({ entry }) => text(entry));
    });
    await eventually(() => came.length > 0, "the entry", 5_000);
    await told;
    expect(came).toEqual(["after"]);
    await follower.return?.();
  });

  it("refuses entries once the user has lost the right, and takes them once it is back", async () => {
    await using log = await begun(openEtcdLog(await as("teller")));
    const op = await log.append(bytes("may"));
    await asRoot("auth/user/revoke", { name: "teller", role: "teller" });
    await expect(log.append(bytes("may not"))).rejects.toMatchObject({
      outcome: "not-appended",
      reason: "LOG_UNAVAILABLE",
      message: expect.stringContaining("permission denied"),
    });
    await asRoot("auth/user/grant", { user: "teller", role: "teller" });
    await log.append(bytes("may again"));
    expect(await readTexts(log, op)).toEqual(["may again"]);
  });

  it("says so to who follows the log, once it may not be watched", async () => {
    const options = { ...(await as("teller")), requestTimeoutMs: 500 };
    await using log = await begun(openEtcdLog(options));
    const op = await log.append(bytes("last"));
    const watched = openWatchedLog(options);
    await using follower = watched.log;
    const next = take(reader(follower, op), 1);
    next.catch(() => {});
    await eventually(() => watched.watches() === 1);
    await asRoot("auth/user/revoke", { name: "teller", role: "teller" });
    watched.begin();
    await expect(next).rejects.toMatchObject({
      reason: "LOG_UNAVAILABLE",
      cause: { message: expect.stringContaining("permission denied") },
    });
    await asRoot("auth/user/grant", { user: "teller", role: "teller" });
  });
});
