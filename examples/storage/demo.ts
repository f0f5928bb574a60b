// The storage example at work: three server processes and two client processes on loopback, which call each other in
// both directions and survive the loss of a server. `--json` prints the outcome as one JSON object to stdout.
import type { ClientCommands, ServerCommands } from "./demo/commands.js";
import { freePorts } from "./demo/free-ports.js";
import { describeLatencies } from "./demo/latencies.js";
import { expect, type StepResult, Steps, until } from "./demo/steps.js";
import { startWorker, type Worker } from "./demo/worker.js";

const json = process.argv.includes("--json");
const say = (line: string) => (json ? console.error(line) : console.log(line));
const tell = ({ ok, name, ms, detail }: StepResult) =>
  say(`${ok ? "ok    " : "FAILED"} ${`${ms}`.padStart(5)} ms  ${name}\n                 ${detail}`);

const ids = [1, 2, 3] as const;
const workers: Pick<Worker<never>, "kill">[] = [];
const steps = new Steps(8_000, tell);
const start = performance.now();
try {
  await runDemo();
} catch {
  // The step that failed has said why.
  process.exitCode = 1;
} finally {
  await Promise.all(workers.map((worker) => worker.kill()));
}
const ok = process.exitCode !== 1;
const seconds = ((performance.now() - start) / 1_000).toFixed(1);
say(
  `\n${steps.results.length} steps, ${ok ? "all of them well" : "the last of them failed"}, in ${seconds} s`,
);
if (json) console.log(JSON.stringify({ ok, steps: steps.results }));

async function runDemo(): Promise<void> {
  const addresses: string[] = [];
  const startServer = (id: number) =>
    enter(startWorker<ServerCommands>(`server ${id}`, "server", [String(id), ...addresses]));
  const startClient = (name: string) =>
    enter(startWorker<ClientCommands>(`client ${name}`, "client", addresses));
  const servers: Worker<ServerCommands>[] = [];
  const entries = Array.from({ length: 100 }, (_, at) => ({ key: `key-${at}`, value: `value ${at}` }));

  await steps.run("start three servers", async () => {
    for (const port of await freePorts(ids.length)) addresses.push(`127.0.0.1:${port}`);
    servers.push(...ids.map(startServer));
    await Promise.all(servers.map((server) => server.run("waitForPeers", 3)));
    return `each has all three in its configuration: ${addresses.join(", ")}`;
  });

  const [first, second, third] = servers;
  const clients = ["A", "B"].map(startClient);
  const [clientA, clientB] = clients;
  if (!(first && second && third && clientA && clientB)) throw new Error("a process is missing");

  await steps.run("connect two clients", async () => {
    await Promise.all(servers.map((server) => server.run("waitForClients", 2)));
    return "each server has both as dynamic clients, on the streams that they opened";
  });

  await steps.run("write by quorum", async () => describeLatencies(await clientA.run("write", entries)));

  await steps.run("read by quorum", async () => {
    const { wrong, ...latencies } = await clientB.run("check", entries);
    expect(wrong.length === 0, `wrong values: ${wrong.join("; ")}`);
    return `client B finds what client A wrote: ${describeLatencies(latencies)}`;
  });

  await steps.run("write one-way", async () => {
    const unicast = { key: "unicast", value: "to server 1" };
    const multicast = { key: "multicast", value: "to all servers" };
    await clientA.run("writeOneWay", { unicast, multicast });
    const arrived = (server: number, { key, value }: typeof unicast) =>
      until(
        () => clientB.run("readAt", { server, key }),
        (found) => found === value,
      );
    await Promise.all([arrived(1, unicast), ...ids.map((server) => arrived(server, multicast))]);
    return "a unicast arrived at server 1, a multicast at all three";
  });

  await steps.run("a server calls its clients", async () => {
    const change = { key: "announced", value: "by server 2" };
    await clientA.run("writeAt", { server: 2, ...change });
    const told = async (client: typeof clientA) =>
      until(
        () => client.run("announcedBy", change),
        (by) => by.length > 0,
      );
    const by = await Promise.all(clients.map(told));
    expect(
      by.every((one) => one.join() === "2"),
      `announced by servers ${by.join(" and ")}, expected 2 and 2`,
    );
    const counts = await servers[1]?.run("countChanges");
    expect(
      counts?.length === 2 && counts.every((count) => count > 0),
      `the clients counted ${String(counts)}`,
    );
    return `server 2 took a value and multicast it to both clients; asked by RPC, they have seen ${counts?.join(" and ")} changes`;
  });

  await steps.run("nested quorum call", async () => {
    const nested = { key: "nested", value: "through server 3" };
    expect(await clientA.run("writeNested", { server: 3, ...nested }), "a majority did not take the value");
    const { wrong } = await clientB.run("check", [nested]);
    expect(wrong.length === 0, wrong.join());
    return "server 3 wrote at a majority of its peers within a call of client A";
  });

  await steps.run("kill a server while writes go on", async () => {
    await clientA.run("startWriting", "during");
    await until(
      () => clientA.run("written"),
      (count) => count >= 100,
    );
    await third.kill();
    await Promise.all([first, second].map((server) => server.run("waitForPeers", 2)));
    const before = await clientA.run("written");
    const after = await until(
      () => clientA.run("written"),
      (count) => count >= before + 300,
    );
    return `server 3 got SIGKILL; ${after - before} more writes were answered by the majority that is left`;
  });

  await steps.run("start it again", async () => {
    const again = startServer(3);
    servers[2] = again;
    await Promise.all(servers.map((server) => server.run("waitForPeers", 3)));
    await again.run("waitForClients", 2);
    const peers = await Promise.all(servers.map((server) => server.run("peers")));
    return `it is back in every configuration (${peers.map((one) => `{${one.join()}}`).join(" ")}), with both clients`;
  });

  await steps.run("no write was lost", async () => {
    const latencies = await clientA.run("stopWriting");
    const last = Array.from({ length: 50 }, (_, at) => latencies.count - 50 + at);
    const expected = last.map((n) => ({ key: `during-${n % 50}`, value: `during ${n}` }));
    const { wrong } = await clientB.run("check", [...entries, ...expected]);
    expect(wrong.length === 0, `wrong values: ${wrong.join("; ")}`);
    return `not one of the writes failed: ${describeLatencies(latencies)}`;
  });

  await steps.run("close in order", async () => {
    const codes = await Promise.all([...clients, ...servers].map((worker) => worker.stop()));
    expect(
      codes.every((code) => code === 0),
      `exit codes ${codes.join(", ")}`,
    );
    return "two clients and three servers ended with exit code 0";
  });
}

function enter<Served extends ServerCommands | ClientCommands>(worker: Worker<Served>): Worker<Served> {
  workers.push(worker);
  return worker;
}
