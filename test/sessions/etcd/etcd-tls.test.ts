import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TlsOptions } from "quorate";
import { afterAll, describe, expect, it } from "vitest";
import { type EtcdLogOptions, openEtcdLog } from "../../../src/sessions/commit-log/etcd/index.js";
import { createAuthority } from "../../helpers/certificates.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { useEtcd } from "../../helpers/use-etcd.js";
import { begun, bytes, reader, readTexts, take, text } from "../commit-log/log-helpers.js";
import { firstOf } from "./etcd-gateway.js";

checkLeaks();

const authority = createAuthority();
const stranger = createAuthority("somebody else");
const names = ["IP:127.0.0.1"];
const server = authority.issue({ commonName: "etcd", names });
const { ca } = authority;
const client = authority.issue({ commonName: "bank server" });
const folders: string[] = [];

afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

interface TlsCase {
  readonly kind: string;
  readonly isMutual: boolean;
  readonly right: TlsOptions;
  readonly wrong: readonly {
    readonly what: string;
    readonly says: RegExp;
    readonly tls: TlsOptions | undefined;
  }[];
}

/** The certificate of etcd in files; `isMutual` if clients must have one as well. */
async function tlsOfEtcd(isMutual: boolean) {
  const folder = await mkdtemp(join(tmpdir(), "quorate-etcd-tls-"));
  folders.push(folder);
  const [certFile, keyFile, clientCaFile] = ["cert.pem", "key.pem", "ca.pem"].map((name) =>
    join(folder, name),
  );
  if (certFile === undefined || keyFile === undefined || clientCaFile === undefined)
    throw new Error("no names");
  await writeFile(certFile, server.cert);
  await writeFile(keyFile, server.key, { mode: 0o600 });
  await writeFile(clientCaFile, ca);
  return { tls: { certFile, keyFile, ...(isMutual ? { clientCaFile } : {}) } };
}

describe.each<TlsCase>([
  {
    kind: "TLS",
    isMutual: false,
    right: { ca },
    wrong: [
      { what: "another authority", says: /unable to verify the first certificate/, tls: { ca: stranger.ca } },
      {
        what: "another name",
        says: /does not match certificate's altnames/,
        tls: { ca, serverName: "etcd.example" },
      },
      { what: "no TLS", says: /No connection established/, tls: undefined },
    ],
  },
  {
    kind: "mutual TLS",
    isMutual: true,
    right: { ca, ...client },
    wrong: [
      { what: "no certificate", says: /No connection established/, tls: { ca } },
      {
        what: "a certificate of another authority",
        says: /No connection established/,
        tls: { ca, ...stranger.issue({ commonName: "bank server" }) },
      },
      {
        what: "an expired certificate",
        says: /No connection established/,
        tls: { ca, ...authority.issue({ validMs: -60_000 }) },
      },
    ],
  },
])("a log in an etcd with $kind", ({ isMutual, right, wrong }) => {
  const etcd = useEtcd(() => tlsOfEtcd(isMutual));

  function optionsWith(tls: TlsOptions | undefined): EtcdLogOptions {
    const { secureEndpoint = "" } = firstOf(etcd());
    return { endpoints: [secureEndpoint], prefix: "tls/", requestTimeoutMs: 300, ...(tls && { tls }) };
  }

  it("is written, read and followed with the right certificates", async () => {
    await using log = await begun(openEtcdLog({ ...optionsWith(right), requestTimeoutMs: 10_000 }));
    const follower = reader(log);
    await log.append(bytes("one"));
    expect(await readTexts(log)).toEqual(["one"]);
    await log.append(bytes("two"));
    expect((await take(follower, 2)).map(({ entry }) => text(entry))).toEqual(["one", "two"]);
    await follower.return?.();
  });

  it.each(wrong)("cannot be reached with $what, and says why", async ({ tls, says }) => {
    await using log = openEtcdLog(optionsWith(tls));
    // The first failure may be that there is no connection yet.
    await eventually(async () => {
      const error: unknown = await log.tail().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ reason: "LOG_UNAVAILABLE" });
      return error instanceof Error && says.test(String(error.cause));
    });
  });
});
