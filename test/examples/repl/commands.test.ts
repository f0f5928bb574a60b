import { describe, expect, it } from "vitest";
import { runLine } from "../../../examples/storage/repl/commands.js";
import { help } from "../../../examples/storage/repl/help.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { inAThousandYears, startShell } from "../start-shell.js";

checkLeaks();

describe("rpc", () => {
  it("[RE-04] writes and reads at one node", async () => {
    await using started = await startShell();
    expect(await started.run("rpc 0 write foo bar")).toEqual(["Write OK"]);
    expect(started.held("foo")).toEqual(["bar", "", "", ""]);
    expect(await started.run("rpc 0 read foo")).toEqual(["foo = bar"]);
    expect(await started.run("rpc 1 read foo")).toEqual(["foo was not found"]);
    expect(await started.run("rpc 3 write foo 'bar baz'")).toEqual(["Write OK"]);
    expect(await started.run("rpc 3 read foo")).toEqual(["foo = bar baz"]);
    expect(await started.run('rpc 2 write "" ""')).toEqual(["Write OK"]);
    expect(await started.run('rpc 2 read ""')).toEqual([" = "]);
  });

  it.each([
    { line: "rpc x read foo", printed: "Invalid id 'x'. node index must be numeric." },
    { line: "rpc 1.5 write foo bar", printed: "Invalid id '1.5'. node index must be numeric." },
    { line: "rpc '' read foo", printed: "Invalid id ''. node index must be numeric." },
    { line: "rpc 4 read foo", printed: "Invalid index. Must be between 0 and 3." },
    { line: "rpc -1 read foo", printed: "Invalid index. Must be between 0 and 3." },
    { line: "ucast 99999999999999999999 k v", printed: "Invalid index. Must be between 0 and 3." },
    { line: "ucast one k v", printed: "Invalid id 'one'. node index must be numeric." },
  ])("[RE-04] makes no call for a bad index: $line", async ({ line, printed }) => {
    await using started = await startShell();
    expect(await started.run(line)).toEqual([printed]);
    expect(started.asked()).toEqual([]);
  });

  it("[RE-14] does not replace a newer value", async () => {
    await using started = await startShell();
    started.put(1, "k", "newer", inAThousandYears);
    expect(await started.run("rpc 1 write k older")).toEqual(["Failed to update k: timestamp too old."]);
    expect(started.held("k")).toEqual(["", "newer", "", ""]);
  });
});

describe("qc", () => {
  it("[RE-05] writes at a majority, and reads the newest value", async () => {
    await using started = await startShell();
    expect(await started.run("qc write k v")).toEqual(["Write OK"]);
    expect(await started.run("qc read k")).toEqual(["k = v"]);
    await eventually(() => started.held("k").join() === "v,v,v,v");
    // Two of four: each majority has one of them.
    for (const index of [1, 2]) started.put(index, "k", "newer", inAThousandYears);
    for (let time = 0; time < 10; time++) expect(await started.run("qc read k")).toEqual(["k = newer"]);
    expect(await started.run("quorumcall read other")).toEqual(["other was not found"]);
  });

  it("[RE-05] writes well if a majority took the value, whichever it is", async () => {
    for (const newer of [0, 1, 2, 3]) {
      await using started = await startShell();
      started.put(newer, "k", "newer", inAThousandYears);
      expect(await started.run("qc write k v")).toEqual(["Write OK"]);
    }
  });

  it("[RE-05] tells that fewer than a majority took the value", async () => {
    await using started = await startShell();
    for (const index of [0, 3]) started.put(index, "k", "newer", inAThousandYears);
    expect(await started.run("qc write k v")).toEqual(["Failed to update k: timestamp too old."]);
    expect(started.held("k")).toEqual(["newer", "v", "v", "newer"]);
  });

  it("counts the servers that are there, and tells if they are too few", async () => {
    await using started = await startShell();
    const [first, second] = started.cluster.servers;
    await first?.close();
    expect(await started.run("qc write k v")).toEqual(["Write OK"]);
    expect(await started.run("qc read k")).toEqual(["k = v"]);
    started.put(1, "k", "newer", inAThousandYears);
    expect(await started.run("qc write k w")).toEqual(["Failed to update k: timestamp too old."]);

    await second?.close();
    for (const [line, what] of [
      ["qc write k x", "Write quorum call"],
      ["qc read k", "Read quorum call"],
      ["qc nread k", "Nested read quorum call"],
      ["qc nwrite k x", "Nested write quorum call"],
    ] as const) {
      const [printed = "", ...more] = await started.run(line);
      expect(more).toEqual([]);
      expect(printed).toContain(`${what} finished with error: Unavailable: `);
      expect(printed).toContain("node 1: ");
      expect(printed).not.toContain("\n");
    }
    expect(await started.run("rpc 0 read k")).toEqual([
      expect.stringMatching(/^Read RPC finished with error: Unavailable: .+$/),
    ]);
    expect(await started.run("rpc 3 read k")).toEqual(["k = x"]);
  });
});

describe("ucast and mcast", () => {
  it.each(["ucast", "unicast"])("[RE-06] %s writes at one node", async (name) => {
    await using started = await startShell();
    expect(await started.run(`${name} 2 k v`)).toEqual(["Unicast OK"]);
    // Later calls to the node find the value: they are handled in order.
    expect(await started.run("rpc 2 read k")).toEqual(["k = v"]);
    expect(started.held("k")).toEqual(["", "", "v", ""]);
  });

  it.each(["mcast", "multicast"])("[RE-06] %s writes at all nodes", async (name) => {
    await using started = await startShell();
    expect(await started.run(`${name} k v`)).toEqual(["Multicast OK"]);
    for (const index of [0, 1, 2, 3]) expect(await started.run(`rpc ${index} read k`)).toEqual(["k = v"]);
  });

  it("tell what could not be sent", async () => {
    await using started = await startShell();
    await started.cluster.servers[0]?.close();
    await eventually(() => !started.shell.configuration.node(1).connected);
    expect(await started.run("ucast 0 k v")).toEqual([
      expect.stringMatching(/^Unicast failed to send: Unavailable: .+$/),
    ]);
    expect(await started.run("mcast k v")).toEqual([
      expect.stringMatching(/^Multicast failed to send: Unavailable: .+$/),
    ]);
    await eventually(() => started.held("k").join() === ",v,v,v");
  });
});

describe("the other commands", () => {
  it("[RE-10] list the nodes by index", async () => {
    await using started = await startShell();
    const { nodes } = started.cluster;
    expect(await started.run("nodes")).toEqual([
      "Nodes:",
      ...[1, 2, 3, 4].map((id) => `${id - 1}: ${nodes[id]}`),
    ]);
  });

  it("[RE-10] print a help that names each command and operation", async () => {
    await using started = await startShell();
    expect(await started.run("help")).toEqual([help]);
    const names = ["help", "exit", "quit", "nodes", "rpc", "qc", "cfg", "ucast", "mcast"];
    for (const name of [...names, "read", "write", "cread", "nread", "nwrite"]) {
      expect(help).toMatch(new RegExp(`^(exit, )?${name}\\b`, "m"));
    }
  });

  it("[RE-10] end with exit and quit, and with nothing else", async () => {
    await using started = await startShell();
    const { shell } = started;
    for (const line of ["exit", "quit", " exit now"]) expect(await runLine(line, shell)).toBe("end");
    for (const line of ["", "  ", "help", "nodes", "bye", "'unclosed", "qc read k"]) {
      expect(await runLine(line, shell)).toBe("go on");
    }
  });

  it.each(["x", "EXIT", "constructor", ""])("[RE-10] do not know '%s'", async (name) => {
    await using started = await startShell();
    const unknown = [`Unknown command '${name}'. Type 'help' to see available commands.`];
    expect(await started.run(`'${name}' 1 2`)).toEqual(unknown);
  });

  it.each([
    { line: "qc read 'k", printed: "Failed to split command arguments: unterminated quoted string" },
    { line: "qc read k\\", printed: "Failed to split command arguments: unfinished escape" },
    { line: "rpc", printed: "'rpc' requires a node index and an operation." },
    { line: "rpc 0", printed: "'rpc' requires a node index and an operation." },
    { line: "qc", printed: "'qc' requires an operation." },
    { line: "cfg 0", printed: "'cfg' requires a configuration and an operation." },
    { line: "ucast 0 k", printed: "'unicast' requires a node index, a key, and a value." },
    { line: "ucast 0 k v w", printed: "'unicast' requires a node index, a key, and a value." },
    { line: "mcast k", printed: "'multicast' requires a key and a value." },
    { line: "mcast k v w", printed: "'multicast' requires a key and a value." },
    { line: "rpc 0 read", printed: "'read' requires a key to read." },
    { line: "rpc 0 read k v", printed: "'read' requires a key to read." },
    { line: "rpc 0 write k", printed: "'write' requires a key and a value to write." },
    { line: "qc write k two words", printed: "'write' requires a key and a value to write." },
    { line: "qc nwrite k", printed: "'nwrite' requires a key and a value to write." },
    { line: "rpc 0 cread k", printed: "Unknown operation 'cread'. It must be one of: read, write." },
    {
      line: "qc dance k",
      printed: "Unknown operation 'dance'. It must be one of: read, cread, write, nread, nwrite.",
    },
    {
      line: "cfg 0 constructor k",
      printed: "Unknown operation 'constructor'. It must be one of: read, cread, write, nread, nwrite.",
    },
  ])("make no call if words are missing or too many: $line", async ({ line, printed }) => {
    await using started = await startShell();
    expect(await started.run(line)).toEqual([printed]);
    expect(started.asked()).toEqual([]);
  });
});
