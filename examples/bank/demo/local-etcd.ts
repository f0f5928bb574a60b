import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";

/** One member of an etcd cluster on this machine. */
export interface EtcdMember {
  readonly name: string;
  /** Where clients reach it, `host:port`. */
  readonly endpoint: string;
  /** Where clients reach it with TLS, if the cluster was started with that. */
  readonly secureEndpoint: string | undefined;
  /** Where its data lies. */
  readonly dataFolder: string;
  /** Of its process; undefined while it does not run. */
  readonly pid: number | undefined;
  /** Starts it, with more flags if they are given; resolves once it takes part in the cluster. */
  start(flags?: readonly string[]): Promise<void>;
  /** Stops its process with SIGSTOP, until `resume`; connections to it stay open. */
  stop(): void;
  resume(): void;
  /** Kills it; resolves once it is gone. */
  kill(): Promise<void>;
}

/** An etcd cluster on 127.0.0.1, with its data in a temporary folder. */
export interface LocalEtcd extends AsyncDisposable {
  readonly members: readonly EtcdMember[];
  readonly endpoints: readonly string[];
  /** The member that leads now. Throws if for ten seconds there is none. */
  leader(): Promise<EtcdMember>;
  /** Kills all members and removes their data. */
  close(): Promise<void>;
}

/** How a cluster is started. */
export interface LocalEtcdOptions {
  /** Default 1. */
  readonly members?: number;
  /** Between signs of life of a leader, in milliseconds; default 50. Without one for ten of them another one is elected. */
  readonly heartbeatMs?: number;
  /** A second endpoint of each member takes connections with TLS; default none. */
  readonly tls?: EtcdTls;
  /** More flags for each member. */
  readonly flags?: readonly string[];
}

/** The names of files in PEM. */
export interface EtcdTls {
  readonly certFile: string;
  readonly keyFile: string;
  /** The authority whose certificates clients must have; default none. */
  readonly clientCaFile?: string;
}

/** Whether there is an `etcd` on the PATH. */
export function hasEtcd(): boolean {
  return spawnSync("etcd", ["--version"], { stdio: "ignore" }).status === 0;
}

/** Starts a cluster; resolves once it has a leader. */
export async function startEtcd(options: LocalEtcdOptions = {}): Promise<LocalEtcd> {
  const { members: count = 1, heartbeatMs = 50, tls, flags = [] } = options;
  const folder = await mkdtemp(join(tmpdir(), "local-etcd-"));
  const ports = await freePorts(3 * count);
  const names = Array.from({ length: count }, (_, at) => `member-${at + 1}`);
  const peerUrl = (at: number) => `http://127.0.0.1:${ports[3 * at]}`;
  const cluster = names.map((name, at) => `${name}=${peerUrl(at)}`).join(",");
  const members = names.map((name, at) => {
    const endpoint = `127.0.0.1:${ports[3 * at + 1]}`;
    const secureEndpoint = tls === undefined ? undefined : `127.0.0.1:${ports[3 * at + 2]}`;
    const urls = [
      `http://${endpoint}`,
      ...(secureEndpoint === undefined ? [] : [`https://${secureEndpoint}`]),
    ];
    const dataFolder = join(folder, name);
    return new Member({ name, endpoint, secureEndpoint, dataFolder }, [
      ...["--name", name, "--data-dir", dataFolder],
      ...["--listen-peer-urls", peerUrl(at), "--initial-advertise-peer-urls", peerUrl(at)],
      ...["--listen-client-urls", urls.join(","), "--advertise-client-urls", `http://${endpoint}`],
      ...["--initial-cluster", cluster, "--initial-cluster-token", folder],
      ...["--heartbeat-interval", String(heartbeatMs), "--election-timeout", String(10 * heartbeatMs)],
      ...["--logger", "zap", "--log-level", "error", ...tlsFlags(tls), ...flags],
    ]);
  });
  const etcd: LocalEtcd = {
    members,
    endpoints: members.map(({ endpoint }) => endpoint),
    leader: () => findLeader(members),
    close: async () => {
      await Promise.all(members.map((member) => member.kill()));
      await rm(folder, { recursive: true, force: true });
    },
    [Symbol.asyncDispose]: () => etcd.close(),
  };
  try {
    await Promise.all(members.map((member) => member.start()));
    await etcd.leader();
    return etcd;
  } catch (error) {
    await etcd.close();
    throw error;
  }
}

function tlsFlags(tls: EtcdTls | undefined): readonly string[] {
  if (tls === undefined) return [];
  const { certFile, keyFile, clientCaFile } = tls;
  const own = ["--cert-file", certFile, "--key-file", keyFile];
  return clientCaFile === undefined ? own : [...own, "--client-cert-auth", "--trusted-ca-file", clientCaFile];
}

/** Starts etcd, tells its pid, and kills it when nobody holds the other end of its input any longer. */
const keeper = `etcd "$@" </dev/null >&2 & echo $!; while read -r _; do :; done; kill -9 $! 2>/dev/null; wait`;

class Member implements EtcdMember {
  readonly name: string;
  readonly endpoint: string;
  readonly secureEndpoint: string | undefined;
  readonly dataFolder: string;
  readonly #flags: readonly string[];
  #keeper: ChildProcess | undefined;
  #pid: number | undefined;

  constructor(
    place: Pick<EtcdMember, "name" | "endpoint" | "secureEndpoint" | "dataFolder">,
    flags: readonly string[],
  ) {
    this.name = place.name;
    this.endpoint = place.endpoint;
    this.secureEndpoint = place.secureEndpoint;
    this.dataFolder = place.dataFolder;
    this.#flags = flags;
  }

  get pid(): number | undefined {
    return this.#pid;
  }

  async start(flags: readonly string[] = []): Promise<void> {
    const child = spawn("sh", ["-c", keeper, "etcd", ...this.#flags, ...flags], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    this.#keeper = child;
    const [pid] = await once(createInterface({ input: child.stdout }), "line");
    this.#pid = Number(pid);
    for (let tries = 0; ; tries++) {
      if ((await askStatus(this.endpoint)) !== undefined) return;
      if (tries === 500) throw new Error(`etcd ${this.name} does not answer`);
      await wait(20);
    }
  }

  stop(): void {
    if (this.#pid !== undefined) process.kill(this.#pid, "SIGSTOP");
  }

  resume(): void {
    if (this.#pid !== undefined) process.kill(this.#pid, "SIGCONT");
  }

  async kill(): Promise<void> {
    const keeper = this.#keeper;
    if (keeper === undefined) return;
    this.#keeper = undefined;
    this.#pid = undefined;
    // The keeper kills it and waits for its end.
    const gone = once(keeper, "exit");
    keeper.stdin?.end();
    await gone;
  }
}

async function findLeader(members: readonly EtcdMember[]): Promise<EtcdMember> {
  for (let tries = 0; tries < 500; tries++) {
    for (const member of members) {
      if (member.pid === undefined) continue;
      const status = await askStatus(member.endpoint);
      if (status !== undefined && status.leader !== "0" && status.leader === status.member) return member;
    }
    await wait(20);
  }
  throw new Error("etcd has no leader");
}

/** Who a member is and whom it follows; undefined if it does not answer. */
async function askStatus(endpoint: string): Promise<{ member: string; leader: string } | undefined> {
  try {
    const response = await fetch(`http://${endpoint}/v3/maintenance/status`, {
      method: "POST",
      body: "{}",
      signal: AbortSignal.timeout(1_000),
    });
    const status: unknown = await response.json();
    if (typeof status !== "object" || status === null || !("header" in status)) return undefined;
    const { header } = status;
    if (typeof header !== "object" || header === null || !("member_id" in header)) return undefined;
    const leader = "leader" in status ? String(status.leader) : "0";
    return { member: String(header.member_id), leader };
  } catch {
    return undefined;
  }
}

/** Ports that nobody listens on. All are held until the last is found, so that none comes twice. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}
