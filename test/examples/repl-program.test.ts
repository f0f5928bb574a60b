import { once } from "node:events";
import { connect, createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { freePorts } from "../../examples/storage/demo/free-ports.js";
import { usage } from "../../examples/storage/repl/flags.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { startDemo } from "./start-demo.js";

checkLeaks();

const command = "scripts/repl.mjs";
const program = "dist/examples/storage/repl.js";
const patient = ["--timeout-ms", "15000"];
const patientServers = ["--wait-ms", "20000"];

/** What the processes wrote, without their ids. */
const logOf = (text: string) => text.replace(/^\[\d+ .+\]\n/gm, "");

/** Waits until a server takes connections. */
function untilListening(address: string): Promise<void> {
  const [host, port] = address.split(":");
  const dial = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect(Number(port), host);
      socket.once("error", () => resolve(false));
      socket.once("connect", () => {
        socket.destroy();
        resolve(true);
      });
    });
  return eventually(dial, `that ${address} takes connections`, 20_000);
}

/** Runs commands to the end of the input, and returns what was printed. */
async function pipe(file: string, args: readonly string[], lines: readonly string[]) {
  await using repl = startDemo(file, { args, stdin: "pipe" });
  repl.stdin?.end(lines.map((line) => `${line}\n`).join(""));
  const ended = await repl.ended;
  await repl.untilNothingIsLeft();
  return { ...ended, printed: repl.output.stdout.split("\n").slice(0, -1), log: logOf(repl.output.stderr) };
}

describe("the repl", { timeout: 60_000 }, () => {
  it("[RE-04] [RE-10] [RE-11] answers commands that are piped in, with four servers of its own", async () => {
    const { printed, code } = await pipe(command, patient, [
      "rpc 0 write foo bar",
      "rpc 0 read foo",
      "rpc 1 read foo",
      "qc write k 'v w'",
      "qc read k",
      "ucast 2 k u",
      "mcast k m",
      "qc read k",
      "qc cread k",
      "cfg 1:3 write foo baz",
      "cfg 0,2 nwrite n v",
      "qc nread n",
      "dance",
      "nodes",
      "exit",
      "qc read k",
    ]);
    expect(printed.slice(0, -5)).toEqual([
      "Write OK",
      "foo = bar",
      "foo was not found",
      "Write OK",
      "k = v w",
      "Unicast OK",
      "Multicast OK",
      "k = m",
      "k = m (level 1)",
      "k = m (level 2)",
      "k = m (level 3)",
      "Correctable read finished",
      "Write OK",
      "Nested write OK",
      "n = v",
      "Unknown command 'dance'. Type 'help' to see available commands.",
    ]);
    expect(printed.slice(-5)).toEqual([
      "Nodes:",
      ...[0, 1, 2, 3].map((index) => expect.stringMatching(`^${index}: 127\\.0\\.0\\.1:\\d+$`)),
    ]);
    expect(code).toBe(0);
  });

  it("[RE-12] ends with an error for an interceptor that there is not", async () => {
    const { code, printed, log } = await pipe(program, ["--interceptors", "logging,dance"], ["nodes"]);
    expect({ code, printed }).toEqual({ code: 1, printed: [] });
    expect(log).toBe("Unknown interceptor: dance; there are logging, nofoo, metadata, delayed\n");
  });

  it("[RE-12] has its servers run interceptors", async () => {
    const args = ["--interceptors", "logging,nofoo,metadata,delayed", ...patient];
    const { code, printed, log } = await pipe(program, args, ["rpc 0 write foo bar", "rpc 0 write bar foo"]);
    expect(printed).toEqual([
      "Write RPC finished with error: PermissionDenied: requests for key 'foo' are not allowed",
      "Write OK",
    ]);
    expect(log.split("\n")).toEqual([
      "storage.v1.Storage.WriteRPC of key 'foo': begins",
      "storage.v1.Storage.WriteRPC of key 'foo': fails: requests for key 'foo' are not allowed",
      "storage.v1.Storage.WriteRPC of key 'bar': begins",
      "storage.v1.Storage.WriteRPC of key 'bar': ends well",
      "",
    ]);
    expect(code).toBe(0);
  });

  it("tells of its flags, and which one is wrong", async () => {
    expect(await pipe(program, ["--help"], [])).toEqual({
      ...{ code: 0, signal: null },
      ...{ printed: usage.split("\n"), log: "" },
    });
    const { code, log } = await pipe(program, ["--dance"], []);
    expect(code).toBe(1);
    expect(log).toContain("Unknown option '--dance'");
  });

  it.each(["SIGINT", "SIGTERM"] as const)("gives up a call and ends in order with %s", async (signal) => {
    const server = createServer((socket) => socket.on("error", () => {}).resume()).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("there is no port");
    const dialled = once(server, "connection");
    await using repl = startDemo(program, {
      args: ["--addrs", `127.0.0.1:${address.port}`, "--timeout-ms", "600000"],
      stdin: "pipe",
    });
    repl.stdin?.write("dance\nqc read k\n");
    await dialled;
    await repl.untilWritten(() => repl.output.stdout.includes("Unknown command 'dance'"));
    repl.kill(signal);
    expect(await repl.ended).toEqual({ code: 0, signal: null });
    await repl.untilNothingIsLeft();
    expect(repl.output.stdout).toContain("Read quorum call finished with error: Canceled: ");
    server.close();
  });
});

describe("servers of the repl in processes of their own", { timeout: 60_000 }, () => {
  const addressesOf = (ports: readonly number[]) => ports.map((port) => `127.0.0.1:${port}`);

  it.each(["SIGINT", "SIGTERM"] as const)(
    "[RE-11] [RE-13] are one for each address, agree on their ids, and stop with %s",
    async (signal) => {
      const addresses = addressesOf(await freePorts(3));
      const sorted = addresses.toSorted();
      const given = [...sorted.slice(1), "", sorted[0]].join(", ");
      await using cluster = startDemo(program, { args: ["-cluster", "-addrs", given, ...patientServers] });
      await cluster.untilWritten(() => cluster.output.stdout.includes("Press Ctrl-C"));
      expect(cluster.pids("repl.js")).toHaveLength(4);
      expect(cluster.output.stdout).toContain(
        `Cluster running on ${[...sorted.slice(1), sorted[0]].join(", ")}.`,
      );
      for (const [at, address] of sorted.entries()) {
        expect(cluster.output.stderr).toContain(`Started storage server ${at + 1} on ${address}\n`);
      }

      const client = ["--addrs", addresses.toReversed().join(), ...patient];
      const { printed } = await pipe(program, client, ["cfg 2 nwrite k v", "qc read k", "nodes"]);
      const nodes = sorted.map((address, at) => `${at}: ${address}`);
      expect(printed).toEqual(["Nested write OK", "k = v", "Nodes:", ...nodes]);

      cluster.kill(signal);
      expect(await cluster.ended).toEqual({ code: 0, signal: null });
      await cluster.untilNothingIsLeft();
      expect(cluster.output.stdout).toContain("Stopping servers...\n");
    },
  );

  it("[RE-11] end when the process that started them is killed", async () => {
    const addresses = addressesOf(await freePorts(2));
    await using cluster = startDemo(program, {
      args: ["--cluster", "--addrs", addresses.join(), ...patientServers],
    });
    await cluster.untilWritten(() => cluster.output.stdout.includes("Press Ctrl-C"));
    cluster.kill("SIGKILL");
    expect(await cluster.ended).toEqual({ code: null, signal: "SIGKILL" });
    await cluster.untilNothingIsLeft();
  });

  it("[RE-11] end when one of them is gone", async () => {
    const addresses = addressesOf(await freePorts(3));
    await using cluster = startDemo(program, {
      args: ["--cluster", "--addrs", addresses.join(), ...patientServers],
    });
    await cluster.untilWritten(() => cluster.output.stdout.includes("Press Ctrl-C"));
    const [, first] = cluster.pids("repl.js");
    if (first === undefined) throw new Error("there is no server");
    process.kill(first, "SIGKILL");
    expect(await cluster.ended).toEqual({ code: 1, signal: null });
    await cluster.untilNothingIsLeft();
    expect(cluster.output.stderr).toMatch(/^server 127\.0\.0\.1:\d+ ended: SIGKILL$/m);
  });

  it("[RE-12] get the names of interceptors", async () => {
    const [port = 0] = await freePorts(1);
    const args = [
      "--cluster",
      "--addrs",
      `127.0.0.1:${port}`,
      "--interceptors",
      "logging,nofoo",
      ...patientServers,
    ];
    await using cluster = startDemo(program, { args });
    await cluster.untilWritten(() => cluster.output.stdout.includes("Press Ctrl-C"));
    const client = ["--addrs", `127.0.0.1:${port}`, ...patient];
    const { printed } = await pipe(program, client, ["rpc 0 write foo bar"]);
    expect(printed).toEqual([expect.stringContaining("requests for key 'foo' are not allowed")]);
    expect(cluster.output.stderr).toContain("node 1: storage.v1.Storage.WriteRPC of key 'foo': fails: ");
    cluster.kill("SIGTERM");
    expect(await cluster.ended).toEqual({ code: 0, signal: null });
  });

  it("[RE-11] wait for their peers, and end with an error if these do not come in time", async () => {
    const [own, other] = addressesOf(await freePorts(2));
    const args = ["--serve", "--addrs", `${own},${other}`, "--wait-ms", "100"];
    const { code, printed, log } = await pipe(program, args, []);
    expect({ code, printed }).toEqual({ code: 1, printed: [] });
    expect(log).toMatch(/^peers did not connect in time: .*waited 100 ms for 2 nodes in peers.*\n$/);
  });

  it.each(["SIGINT", "SIGTERM"] as const)("[RE-11] end in order with %s while they wait", async (signal) => {
    const [own = "", other] = addressesOf(await freePorts(2));
    await using server = startDemo(program, { args: ["--serve", "--addrs", `${own},${other}`] });
    await untilListening(own);
    server.kill(signal);
    expect(await server.ended).toEqual({ code: 0, signal: null });
    await server.untilNothingIsLeft();
    expect(logOf(server.output.stderr)).toBe("");
  });

  it("[RE-11] start when their peers are there, each by hand", async () => {
    const addresses = addressesOf(await freePorts(2));
    const [first, second] = addresses;
    await using one = startDemo(program, {
      args: ["--serve", "--addrs", `${first},${second}`, ...patientServers],
    });
    await using two = startDemo(program, {
      args: ["-serve", "-addrs", `${second},${first}`, ...patientServers],
    });
    for (const server of [one, two]) {
      await server.untilWritten(() => server.output.stderr.includes("Started storage server "));
    }
    const args = ["--addrs", addresses.join(), ...patient];
    expect(await pipe(program, args, ["qc write k v", "qc nread k"])).toMatchObject({
      ...{ code: 0, printed: ["Write OK", "k = v"] },
    });
    for (const server of [one, two]) {
      server.kill("SIGTERM");
      expect(await server.ended).toEqual({ code: 0, signal: null });
    }
  });

  it("[RE-13] end with an error if their own address is not in the list", async () => {
    const args = ["--serve", "--address", "127.0.0.1:9", "--addrs", "127.0.0.1:7,127.0.0.1:8"];
    const { code, log } = await pipe(program, args, []);
    expect(code).toBe(1);
    expect(log).toBe('server address "127.0.0.1:9" not found in --addrs list\n');
  });

  it("do not start if one cannot listen", async () => {
    const ports = await freePorts(2);
    const taken = createServer((socket) => socket.destroy()).listen(ports[1], "127.0.0.1");
    await once(taken, "listening");
    const args = ["--cluster", "--addrs", addressesOf(ports).join()];
    const { code, printed, log } = await pipe(program, args, []);
    taken.close();
    expect({ code, printed }).toEqual({ code: 1, printed: ["Stopping servers..."] });
    expect(log).toContain(`server 127.0.0.1:${ports[1]} ended: exit code 1\n`);
  });
});
