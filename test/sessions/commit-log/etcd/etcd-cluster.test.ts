import { describe, expect, it } from "vitest";
import { Code } from "../../../../internal/errors/code.js";
import type { EtcdClient } from "../../../../src/sessions/commit-log/etcd/etcd-client.js";
import { connectEtcd } from "../../../../src/sessions/commit-log/etcd/etcd-cluster.js";
import { bytesOf } from "../../../../src/sessions/commit-log/etcd/etcd-keys.js";
import { get, put } from "../../../../src/sessions/commit-log/etcd/transactions.js";
import { Secret } from "../../../../src/sessions/credentials/secret.js";
import { eventually } from "../../../helpers/eventually.js";
import { checkLeaks } from "../../../helpers/leaks.js";
import { ScriptedEtcd } from "./scripted-etcd.js";

checkLeaks();

const read = { success: [get(bytesOf("key"))] };
const write = { success: [put(bytesOf("key"), bytesOf("value"))] };
const range = { key: bytesOf("a"), rangeEnd: bytesOf("b"), startRevision: 5n };

/** Runs with members that answer by script, and a client of them. */
async function withMembers(
  count: number,
  use: (client: EtcdClient, members: readonly ScriptedEtcd[]) => Promise<void>,
  { isUser = false, tryTimeoutMs = 5_000 } = {},
): Promise<void> {
  const members = await Promise.all(Array.from({ length: count }, () => ScriptedEtcd.start()));
  const auth = isUser ? { username: "ada", password: new Secret("secret") } : undefined;
  const endpoints = members.map(({ endpoint }) => endpoint);
  const client = connectEtcd({ endpoints, auth, tls: undefined, tryTimeoutMs });
  try {
    await use(client, members);
  } finally {
    client.close();
    await Promise.all(members.map((member) => member[Symbol.asyncDispose]()));
  }
}

describe("a client of an etcd cluster", () => {
  it("stays at the endpoint that answers, and goes around from one that does not", () =>
    withMembers(3, async (client, [first, second, third]) => {
      expect(client.endpoints).toBe(3);
      const asked = () => [first, second, third].map((member) => member?.tokens.length);
      await client.transact(read);
      await client.transact(read);
      expect(asked()).toEqual([2, 0, 0]);
      const leaderless = { code: Code.Unavailable, message: "etcdserver: no leader" };
      for (const member of [first, second]) if (member) member.answer = () => leaderless;
      for (let tries = 0; tries < 2; tries++) {
        await expect(client.transact(write)).rejects.toMatchObject({
          outcome: "unknown",
          code: Code.Unavailable,
        });
      }
      await client.transact(write);
      expect(asked()).toEqual([3, 1, 1]);
      if (third) third.answer = () => leaderless;
      if (first) first.answer = () => ({ clusterId: 1n });
      await expect(client.transact(write)).rejects.toMatchObject({ outcome: "unknown" });
      await client.transact(write);
      expect(asked()).toEqual([4, 1, 2]);
    }));

  it("goes on by one endpoint where several transactions fail at once", () =>
    withMembers(3, async (client, [first, second, third]) => {
      if (first) first.answer = () => ({ code: Code.Unavailable, message: "etcdserver: no leader" });
      await Promise.allSettled([1, 2, 3, 4].map(() => client.transact(read)));
      await client.transact(read);
      expect([second?.tokens.length, third?.tokens.length]).toEqual([1, 0]);
    }));

  it("gives up one try after tryTimeoutMs, and goes to the next endpoint", () =>
    withMembers(
      2,
      async (client, [first, second]) => {
        if (first) first.answer = () => "silence";
        await expect(client.transact(write)).rejects.toMatchObject({
          outcome: "unknown",
          code: Code.DeadlineExceeded,
        });
        await client.transact(write);
        expect(second?.tokens).toHaveLength(1);
      },
      { tryTimeoutMs: 100 },
    ));

  it("ends a try with its signal", () =>
    withMembers(1, async (client, [member]) => {
      if (member) member.answer = () => "silence";
      const end = new AbortController();
      const failing = client.transact(write, end.signal);
      failing.catch(() => {});
      await eventually(() => member?.tokens.length === 1);
      end.abort();
      await expect(failing).rejects.toMatchObject({ outcome: "unknown", code: Code.Canceled });
      await expect(client.transact(write, end.signal)).rejects.toMatchObject({ code: Code.Canceled });
      expect(member?.tokens).toHaveLength(1);
    }));

  it.each([
    { code: Code.InvalidArgument, message: "etcdserver: request is too large", outcome: "refused" },
    { code: Code.PermissionDenied, message: "etcdserver: permission denied", outcome: "refused" },
    { code: Code.ResourceExhausted, message: "etcdserver: too many requests", outcome: "refused" },
    {
      code: Code.ResourceExhausted,
      message: "grpc: received message larger than max (3 vs. 2)",
      outcome: "refused",
    },
    {
      code: Code.OutOfRange,
      message: "etcdserver: mvcc: required revision has been compacted",
      outcome: "refused",
    },
    { code: Code.Unauthenticated, message: "etcdserver: invalid auth token", outcome: "refused" },
    {
      code: Code.ResourceExhausted,
      message: "etcdserver: mvcc: database space exceeded",
      outcome: "unknown",
    },
    {
      code: Code.ResourceExhausted,
      message: "Bandwidth exhausted or memory limit exceeded",
      outcome: "unknown",
    },
    { code: Code.Unavailable, message: "etcdserver: leader changed", outcome: "unknown" },
    { code: Code.Unavailable, message: "etcdserver: request timed out", outcome: "unknown" },
    { code: Code.DeadlineExceeded, message: "context deadline exceeded", outcome: "unknown" },
    { code: Code.Canceled, message: "context canceled", outcome: "unknown" },
    { code: Code.Unknown, message: "raft: stopped", outcome: "unknown" },
    { code: Code.Internal, message: "stream reset", outcome: "unknown" },
    { code: Code.DataLoss, message: "etcdserver: corrupt cluster", outcome: "unknown" },
  ])(
    "says whether a transaction was carried out that fails with $message: $outcome",
    ({ code, message, outcome }) =>
      withMembers(1, async (client, [member]) => {
        if (member) member.answer = () => ({ code, message });
        await expect(client.transact(write)).rejects.toMatchObject({
          outcome,
          code,
          message: `etcd: ${message.replace("etcdserver: ", "")}`,
        });
      }),
  );

  it("says that an endpoint where nobody listens has not answered", async () => {
    const gone = await ScriptedEtcd.start();
    await gone[Symbol.asyncDispose]();
    const client = connectEtcd({
      endpoints: [gone.endpoint],
      auth: undefined,
      tls: undefined,
      tryTimeoutMs: 300,
    });
    await expect(client.transact(write)).rejects.toMatchObject({ outcome: "unknown" });
    client.close();
  });

  it("fails once another cluster answers", () =>
    withMembers(2, async (client, [first, second]) => {
      await client.transact(read);
      const regressed = { code: Code.DataLoss, reason: "LOG_REGRESSED" };
      if (first) first.answer = () => ({ clusterId: 2n });
      await expect(client.transact(read)).rejects.toMatchObject(regressed);
      const watching = client.watch(range)[Symbol.asyncIterator]().next();
      watching.catch(() => {});
      await eventually(() => first?.watches.length === 1);
      first?.watches[0]?.send({}, 2n);
      await expect(watching).rejects.toMatchObject(regressed);
      expect(second?.tokens).toHaveLength(0);
    }));
});

describe("a client of an etcd with users", () => {
  const stale = [
    { code: Code.Unauthenticated, message: "etcdserver: invalid auth token" },
    { code: Code.InvalidArgument, message: "etcdserver: revision of auth store is old" },
  ];

  it("logs in once for all that it asks at once, and uses the token everywhere", () =>
    withMembers(
      2,
      async (client, [first, second]) => {
        await Promise.all([1, 2, 3].map(() => client.transact(read)));
        expect(first?.logins).toEqual(["ada"]);
        expect(first?.tokens).toEqual(["token", "token", "token"]);
        if (first) first.answer = () => ({ code: Code.Unavailable, message: "etcdserver: no leader" });
        await client.transact(read).catch(() => {});
        await client.transact(read);
        expect(second?.tokens).toEqual(["token"]);
        expect(second?.logins).toEqual([]);
      },
      { isUser: true },
    ));

  it.each(stale)("logs in again, once for all, and tries again when it is told: $message", (refusal) =>
    withMembers(
      1,
      async (client, [member]) => {
        let logins = 0;
        if (member === undefined) return;
        member.logIn = () => `token ${++logins}`;
        await client.transact(read);
        member.answer = (token) => (token === "token 1" ? refusal : { clusterId: 1n });
        await Promise.all(Array.from({ length: 10 }, () => client.transact(write)));
        expect(member.logins).toHaveLength(2);
        expect(member.tokens.filter((token) => token === "token 2")).toHaveLength(10);
      },
      { isUser: true },
    ),
  );

  it("fails when a fresh token is refused as well", () =>
    withMembers(
      1,
      async (client, [member]) => {
        if (member) member.answer = () => stale[0] ?? "silence";
        await expect(client.transact(write)).rejects.toMatchObject({
          outcome: "refused",
          code: Code.Unauthenticated,
        });
        expect(member?.tokens).toHaveLength(2);
      },
      { isUser: true },
    ));

  it("fails when its login does, without the password, and logs in the next time", () =>
    withMembers(
      1,
      async (client, [member]) => {
        if (member === undefined) return;
        const message = "etcdserver: authentication failed, invalid user ID or password";
        member.logIn = () => ({ code: Code.InvalidArgument, message });
        const failure: unknown = await client.transact(write).catch((error: unknown) => error);
        expect(failure).toMatchObject({ outcome: "refused", code: Code.InvalidArgument });
        expect(JSON.stringify(failure) + String(failure)).not.toContain("secret");
        member.logIn = (password) => `of ${password}`;
        await client.transact(write);
        expect(member.tokens).toEqual(["of secret"]);
      },
      { isUser: true },
    ));

  it("watches with the token, and with another one after that was refused", () =>
    withMembers(
      1,
      async (client, [member]) => {
        if (member === undefined) return;
        let logins = 0;
        member.logIn = () => `token ${++logins}`;
        for (const [at, expected] of ["token 1", "token 2"].entries()) {
          const watching = client.watch(range)[Symbol.asyncIterator]().next();
          watching.catch(() => {});
          await eventually(() => member.watches.length === at + 1);
          expect(member.watches.at(-1)?.metadata.get("token")).toEqual([expected]);
          member.watches.at(-1)?.fail(Code.Unauthenticated, "etcdserver: invalid auth token");
          await expect(watching).rejects.toMatchObject({ code: Code.Unauthenticated });
        }
      },
      { isUser: true },
    ));
});

describe("a watch of an etcd cluster", () => {
  it("asks for a leader, and is at the next endpoint after an error or a cancel", () =>
    withMembers(3, async (client, members) => {
      const [first, second, third] = members;
      const watches = () => members.map((member) => member.watches.length);
      const failing = client.watch(range)[Symbol.asyncIterator]().next();
      failing.catch(() => {});
      await eventually(() => first?.watches.length === 1);
      expect(first?.watches[0]?.metadata.get("hasleader")).toEqual(["true"]);
      expect(first?.watches[0]?.startRevision).toBe(5n);
      first?.watches[0]?.fail(Code.Unavailable, "etcdserver: no leader");
      await expect(failing).rejects.toMatchObject({ name: "EtcdFailure", code: Code.Unavailable });
      const watch = client.watch(range);
      const next = watch[Symbol.asyncIterator]().next();
      next.catch(() => {});
      await eventually(() => second?.watches.length === 1);
      watch.cancel();
      await expect(next).rejects.toMatchObject({ code: Code.Canceled });
      const last = client.watch(range)[Symbol.asyncIterator]();
      const answer = last.next();
      await eventually(() => third?.watches.length === 1);
      third?.watches[0]?.send({ canceled: true, cancelReason: "because" });
      expect((await answer).value).toMatchObject({ canceled: true, cancelReason: "because" });
      expect((await last.next()).done).toBe(true);
      expect(watches()).toEqual([1, 1, 1]);
    }));

  it("that was canceled before it began begins nowhere", () =>
    withMembers(1, async (client, [member]) => {
      const watch = client.watch(range);
      watch.cancel();
      await expect(watch[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: Code.Canceled });
      expect(member?.watches).toEqual([]);
    }));
});
