import { connect, createServer } from "quorate";
import { describe, expect, it } from "vitest";
import { runLine } from "../../../examples/storage/repl/commands.js";
import { createRegister } from "../../../examples/storage/service/register.js";
import { storageRoutes } from "../../../examples/storage/service/storage-routes.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { inAThousandYears, startShell } from "../start-shell.js";

checkLeaks();

describe("qc cread", () => {
  it("[RE-07] prints a line for each level until a majority has replied", async () => {
    await using started = await startShell();
    await started.run("qc write k v");
    await eventually(() => started.held("k").join() === "v,v,v,v");
    expect(await started.run("qc cread k")).toEqual([
      "k = v (level 1)",
      "k = v (level 2)",
      "k = v (level 3)",
      "Correctable read finished",
    ]);
    expect(await started.run("qc cread other")).toEqual([
      "other was not found (level 1)",
      "other was not found (level 2)",
      "other was not found (level 3)",
      "Correctable read finished",
    ]);
    expect(await started.run("cfg 2 cread k")).toEqual(["k = v (level 1)", "Correctable read finished"]);
  });

  it("never goes back to an older value", async () => {
    await using started = await startShell();
    for (const index of [0, 1, 2]) started.put(index, "k", "older", 1_000);
    started.put(3, "k", "newer", 2_000);
    const lines = await started.run("cfg 1,2,3 cread k");
    const values = lines.slice(0, -1).map((line) => line.replace(/ \(level \d\)$/, ""));
    expect(values).toEqual([...values].sort((a, b) => Number(a === "k = newer") - Number(b === "k = newer")));
    expect(lines.at(-1)).toBe("Correctable read finished");
  });

  it("tells of the replies that came, and that they were too few", async () => {
    await using started = await startShell();
    for (const server of started.cluster.servers.slice(0, 2)) await server.close();
    const lines = await started.run("qc cread k");
    expect(lines.slice(0, -1)).toEqual(["k was not found (level 1)", "k was not found (level 2)"]);
    expect(lines.at(-1)).toMatch(/^Correctable read finished with error: Unavailable: .+$/);
  });
});

describe("qc nread and nwrite", () => {
  it("[RE-08] call servers that call their peers", async () => {
    await using started = await startShell();
    expect(await started.run("cfg 0 nwrite k v")).toEqual(["Nested write OK"]);
    await eventually(() => started.asked().join() === "1,2,3,4");
    expect(started.held("k")).toEqual(["v", "v", "v", "v"]);

    for (const index of [1, 2]) started.put(index, "k", "newer", inAThousandYears);
    expect(await started.run("cfg 0 nread k")).toEqual(["k = newer"]);
    expect(await started.run("qc nread k")).toEqual(["k = newer"]);
    expect(await started.run("qc nread other")).toEqual(["other was not found"]);
    expect(await started.run("qc nwrite k older")).toEqual(["Failed to update k: timestamp too old."]);
    expect(await started.run("qc nwrite other v")).toEqual(["Nested write OK"]);
    expect(await started.run("qc read other")).toEqual(["other = v"]);
  });

  it.each([
    { line: "qc nread k", error: "read_nested_qc: requires server peer configuration" },
    { line: "qc nwrite k v", error: "write_nested_qc: requires server peer configuration" },
  ])("[RE-08] fail at servers without peers: $line", async ({ line, error }) => {
    const routes = storageRoutes(createRegister(), 1, 1);
    await using server = await createServer({ address: "127.0.0.1:0", routes });
    await using configuration = await connect({ nodes: [server.address] });
    const printed: string[] = [];
    const print = (text: string) => printed.push(text);
    await runLine(line, { configuration, print, callOptions: { timeoutMs: 15_000 } });
    expect(printed).toEqual([
      expect.stringMatching(/^Nested (read|write) quorum call finished with error: FailedPrecondition: .+$/),
    ]);
    expect(printed[0]).toContain(error);
  });
});

describe("cfg", () => {
  it.each([
    { config: "1:3", held: ["", "bar", "bar", ""] },
    { config: ":1", held: ["bar", "", "", ""] },
    { config: "2:", held: ["", "", "bar", "bar"] },
    { config: "2,0", held: ["bar", "", "bar", ""] },
  ])("[RE-09] [RE-03] calls the nodes $config, on the streams that there are", async ({ config, held }) => {
    await using started = await startShell();
    await started.run("mcast other v");
    const streams = () =>
      started.cluster.servers.map((server) => {
        const { streams: open, counters } = server.snapshot();
        return { ids: open.map(({ connectionId }) => connectionId), counters };
      });
    const before = streams();
    expect(await started.run(`cfg ${config} write foo bar`)).toEqual(["Write OK"]);
    await eventually(() => started.held("foo").join() === held.join());
    expect(await started.run(`cfg ${config} read foo`)).toEqual(["foo = bar"]);
    expect(streams()).toEqual(before);
  });

  it("[RE-09] calls nobody else", async () => {
    await using started = await startShell();
    await started.run("cfg 1:3 read foo");
    await eventually(() => started.asked().join() === "2,3");
    expect(started.held("foo")).toEqual(["", "", "", ""]);
  });

  it.each([
    { config: "3:1", error: "invalid configuration" },
    { config: "0,4", error: "invalid configuration" },
    { config: "1,2,1", error: "duplicate index: 1" },
  ])("[RE-03] refuses $config, and makes no call", async ({ config, error }) => {
    await using started = await startShell();
    const printed = [`Failed to parse configuration: ${error}`];
    expect(await started.run(`cfg ${config} write foo bar`)).toEqual(printed);
    expect(started.asked()).toEqual([]);
  });
});
