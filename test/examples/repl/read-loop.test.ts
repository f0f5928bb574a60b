import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { help } from "../../../examples/storage/repl/help.js";
import { runReadLoop } from "../../../examples/storage/repl/read-loop.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { startShell } from "../start-shell.js";

checkLeaks();

const never = new AbortController().signal;

/** A shell of one server, and a stream to write commands to. */
async function startLoop() {
  const started = await startShell({ servers: 1 });
  return { ...started, input: new PassThrough(), [Symbol.asyncDispose]: () => started.cluster.close() };
}

/** A loop at a terminal: what it shows, and keys to press. */
async function startAtTerminal() {
  const loop = await startLoop();
  const terminal = new PassThrough();
  let shown = "";
  terminal.setEncoding("utf8").on("data", (text: string) => {
    shown += text;
  });
  const done = runReadLoop(loop.shell, { input: loop.input, terminal, signal: never });
  return {
    ...loop,
    done,
    // Without the sequences that move the cursor.
    shown: () => stripVTControlCharacters(shown),
    press: (keys: string) => loop.input.write(keys),
    [Symbol.asyncDispose]: () => loop.cluster.close(),
  };
}

describe("runReadLoop", () => {
  it.each([
    { what: "with an end of line", end: "\n" },
    { what: "without one", end: "" },
  ])("awaits each command before the next, to the end of the input $what", async ({ end }) => {
    await using loop = await startLoop();
    const writes = Array.from({ length: 20 }, (_, at) => `qc write k ${at}\nqc read k\n`);
    loop.input.end(`${writes.join("")}qc read k${end}`);
    await runReadLoop(loop.shell, { input: loop.input, signal: never });
    const expected = Array.from({ length: 20 }, (_, at) => ["Write OK", `k = ${at}`]);
    expect(loop.printed()).toEqual([...expected.flat(), "k = 19"]);
  });

  it("goes on after what failed, and passes over empty lines", async () => {
    await using loop = await startLoop();
    loop.input.end("\n  \ndance\r\nqc read 'k\r\nqc write k v\r\n");
    await runReadLoop(loop.shell, { input: loop.input, signal: never });
    expect(loop.printed()).toEqual([
      "Unknown command 'dance'. Type 'help' to see available commands.",
      "Failed to split command arguments: unterminated quoted string",
      "Write OK",
    ]);
  });

  it.each(["exit", "quit"])("[RE-10] ends at %s, although there is more", async (name) => {
    await using loop = await startLoop();
    loop.input.write(`nodes\n${name}\nqc write k v\n`);
    await runReadLoop(loop.shell, { input: loop.input, signal: never });
    expect(loop.printed()).toEqual(["Nodes:", `0: ${loop.cluster.nodes[1]}`]);
    expect(loop.held("k")).toEqual([""]);
  });

  it("ends with its signal while it waits for input", async () => {
    await using loop = await startLoop();
    const ended = new AbortController();
    loop.input.write("qc write k v\n");
    const done = runReadLoop(loop.shell, { input: loop.input, signal: ended.signal });
    await eventually(() => loop.held("k").join() === "v");
    ended.abort();
    await done;
    await runReadLoop(loop.shell, { input: loop.input, signal: ended.signal });
    expect(loop.printed()).toEqual(["Write OK"]);
  });

  it("runs no command that waits when its signal ends", async () => {
    await using loop = await startLoop();
    const ended = new AbortController();
    const print = (line: string) => {
      loop.shell.print(line);
      ended.abort();
    };
    loop.input.write("qc write k v\nqc write k w\nqc write k x\n");
    await runReadLoop({ ...loop.shell, print }, { input: loop.input, signal: ended.signal });
    expect(loop.printed()).toEqual(["Write OK"]);
    expect(loop.held("k")).toEqual(["v"]);
  });
});

describe("runReadLoop at a terminal", () => {
  it("shows the help and a prompt, and a prompt after each command", async () => {
    await using loop = await startAtTerminal();
    expect(loop.printed()).toEqual([help]);
    await eventually(() => loop.shown() === "> ");
    loop.press("qc write k v\r");
    await eventually(() => loop.shown() === "> qc write k v\r\n> ");
    expect(loop.printed()).toEqual(["Write OK"]);
    loop.press("exit\r");
    await loop.done;
    expect(loop.shown()).toBe("> qc write k v\r\n> exit\r\n");
  });

  it("has a history", async () => {
    await using loop = await startAtTerminal();
    loop.press("qc write k first\r");
    await eventually(() => loop.held("k").join() === "first");
    loop.press("rpc 0 write k second\r");
    await eventually(() => loop.held("k").join() === "second");
    // Twice up.
    loop.press("\u001B[A");
    loop.press("\u001B[A");
    loop.press("\r");
    await eventually(() => loop.held("k").join() === "first");
    loop.press("quit\r");
    await loop.done;
    expect(loop.printed()).toEqual([help, "Write OK", "Write OK", "Write OK"]);
  });

  it.each([
    { key: "Ctrl-C", press: "\u0003" },
    { key: "Ctrl-D", press: "\u0004" },
  ])("ends at $key", async ({ press }) => {
    await using loop = await startAtTerminal();
    loop.press(press);
    await loop.done;
    expect(loop.printed()).toEqual([help]);
  });
});
