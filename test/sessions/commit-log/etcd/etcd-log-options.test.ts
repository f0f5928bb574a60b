import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { Code } from "../../../../internal/errors/code.js";
import { QuorateError } from "../../../../internal/errors/quorate-error.js";
import { openEtcdLog } from "../../../../src/sessions/commit-log/etcd/etcd-log.js";
import {
  type EtcdLogOptions,
  readEtcdLogOptions,
} from "../../../../src/sessions/commit-log/etcd/etcd-log-options.js";
import { checkLeaks } from "../../../helpers/leaks.js";

checkLeaks();

const right: EtcdLogOptions = { endpoints: ["127.0.0.1:2379"], prefix: "bank/" };
const auth = { username: "ada", password: "very secret" };

describe("the options of a log in etcd", () => {
  it("have defaults", () => {
    expect(readEtcdLogOptions(right)).toEqual({
      endpoints: ["127.0.0.1:2379"],
      prefix: "bank/",
      tls: undefined,
      auth: undefined,
      tryTimeoutMs: 500,
      requestTimeoutMs: 10_000,
      watchCheckMs: 2_000,
      maxRequestBytes: 1_572_864,
      maxEntryBytes: 1_507_328,
      maxWaitingAppends: 65_536,
      maxWaitingBytes: 67_108_864,
    });
  });

  it.each<{ option: string; wrong: object }>([
    { option: "endpoints", wrong: { endpoints: [] } },
    { option: "endpoints", wrong: { endpoints: undefined } },
    { option: "endpoints", wrong: { endpoints: "127.0.0.1:2379" } },
    { option: "nowhere", wrong: { endpoints: ["nowhere"] } },
    { option: "prefix", wrong: { prefix: undefined } },
    { option: "prefix", wrong: { prefix: "" } },
    { option: "prefix", wrong: { prefix: "bank" } },
    { option: "prefix", wrong: { prefix: "ba\0nk/" } },
    { option: "prefix", wrong: { prefix: `${"x".repeat(512)}/` } },
    { option: "auth", wrong: { auth: { username: "", password: "x" } } },
    { option: "auth", wrong: { auth: { username: "ada" } } },
    ...[
      "tryTimeoutMs",
      "requestTimeoutMs",
      "watchCheckMs",
      "maxWaitingAppends",
      "maxWaitingBytes",
      "maxEntryBytes",
    ].flatMap((option) =>
      [0, -1, 1.5, Number.NaN, "1"].map((value) => ({ option, wrong: { [option]: value } })),
    ),
    { option: "maxRequestBytes", wrong: { maxRequestBytes: 131_071 } },
    { option: "maxEntryBytes", wrong: { maxEntryBytes: 1_507_329 } },
    { option: "maxEntryBytes", wrong: { maxEntryBytes: 65_537, maxRequestBytes: 131_072 } },
  ])("are refused by name: $option, $wrong", ({ option, wrong }) => {
    const options = { ...right, ...wrong } as EtcdLogOptions;
    const refusal = expect.objectContaining({
      code: Code.InvalidArgument,
      message: expect.stringMatching(`quorate: .*${option}`),
    });
    expect(() => openEtcdLog(options)).toThrow(refusal);
  });

  it.each<{ name: string; options: Partial<EtcdLogOptions>; isRefused: boolean }>([
    { name: "to another host", options: { endpoints: ["192.0.2.1:2379"] }, isRefused: true },
    {
      name: "to another host among others",
      options: { endpoints: ["127.0.0.1:1", "192.0.2.1:1"] },
      isRefused: true,
    },
    { name: "within this host", options: {}, isRefused: false },
    { name: "to another host, with TLS", options: { endpoints: ["192.0.2.1:1"], tls: {} }, isRefused: false },
    {
      name: "to another host, if it is said to",
      options: { endpoints: ["192.0.2.1:1"], allowInsecureCredentials: true },
      isRefused: false,
    },
  ])(
    "let a password go over plain text only where that is private or wanted: $name",
    ({ isRefused, options }) => {
      const read = () => readEtcdLogOptions({ ...right, auth, ...options }).auth?.password.reveal();
      expect(toldOf(read)).toBe(isRefused ? "INSECURE_CREDENTIALS" : auth.password);
    },
  );

  it("show no password: in errors, when they are inspected, as JSON", async () => {
    const wrong = [{ endpoints: ["192.0.2.1:1"] }, { prefix: "x" }, { auth: { ...auth, username: "" } }];
    for (const options of wrong) {
      const failure = failureOf(() => readEtcdLogOptions({ ...right, auth, ...options }));
      expect(failure).toBeInstanceOf(QuorateError);
      expect(inspect(failure, { depth: 9 })).not.toContain(auth.password);
    }
    const settings = readEtcdLogOptions({ ...right, auth });
    expect(inspect(settings, { depth: 9, showHidden: true }) + JSON.stringify(settings)).not.toContain(
      auth.password,
    );
    const log = openEtcdLog({ ...right, auth });
    expect(inspect(log, { depth: 9, showHidden: true })).not.toContain(auth.password);
    await log.close();
  });
});

/** What it answers, or the reason why it does not. */
function toldOf(read: () => string | undefined): string | undefined {
  const failure = failureOf(read);
  return failure instanceof QuorateError ? failure.reason : read();
}

function failureOf(work: () => unknown): unknown {
  try {
    work();
    return undefined;
  } catch (error) {
    return error;
  }
}
