import { createClient, type Node } from "quorate";
import { Storage } from "../gen/storage/v1/storage_quorate.js";
import { describeError } from "./describe-error.js";
import { help } from "./help.js";
import { readIndex, selectNodes } from "./node-selection.js";
import { runAtNode, runAtNodes, stamped } from "./operations.js";
import type { Shell } from "./shell.js";
import { splitQuoted } from "./split-quoted.js";

/** Runs one command of a shell, given its words without its name. It prints what went wrong, and never rejects. */
type Command = (shell: Shell, words: readonly string[]) => Promise<void> | void;

const commands: ReadonlyMap<string, Command> = new Map<string, Command>([
  ["help", (shell) => shell.print(help)],
  ["nodes", printNodes],
  ["rpc", rpc],
  ["qc", quorumCall],
  ["quorumcall", quorumCall],
  ["cfg", callSome],
  ["ucast", unicast],
  ["unicast", unicast],
  ["mcast", multicast],
  ["multicast", multicast],
]);

/** Runs a line of input to its end. Says whether to go on with the next. */
export async function runLine(line: string, shell: Shell): Promise<"go on" | "end"> {
  const split = splitQuoted(line);
  if (!split.ok) {
    shell.print(`Failed to split command arguments: ${split.error}`);
    return "go on";
  }
  const [name, ...words] = split.words;
  if (name === undefined) return "go on";
  if (name === "exit" || name === "quit") return "end";
  const command = commands.get(name);
  if (command !== undefined) await command(shell, words);
  else shell.print(`Unknown command '${name}'. Type 'help' to see available commands.`);
  return "go on";
}

function printNodes({ configuration, print }: Shell): void {
  print("Nodes:");
  for (const [index, { address }] of configuration.nodes.entries()) print(`${index}: ${address}`);
}

async function rpc(shell: Shell, [index, ...operation]: readonly string[]): Promise<void> {
  if (index === undefined || operation.length === 0) {
    return shell.print("'rpc' requires a node index and an operation.");
  }
  const node = nodeAt(shell, index);
  if (node !== undefined) await runAtNode(shell, node, operation);
}

async function quorumCall(shell: Shell, operation: readonly string[]): Promise<void> {
  if (operation.length === 0) return shell.print("'qc' requires an operation.");
  await runAtNodes(shell, shell.configuration, operation);
}

async function callSome(shell: Shell, [config, ...operation]: readonly string[]): Promise<void> {
  if (config === undefined || operation.length === 0) {
    return shell.print("'cfg' requires a configuration and an operation.");
  }
  const { configuration, print } = shell;
  const selection = selectNodes(config, configuration.size);
  if (!selection.ok) return print(`Failed to parse configuration: ${selection.error}`);
  const some = configuration.nodes.filter((_, index) => selection.indices.includes(index));
  await runAtNodes(shell, configuration.only(...some), operation);
}

async function unicast(shell: Shell, words: readonly string[]): Promise<void> {
  const [index, key, value] = words;
  if (words.length !== 3 || index === undefined || key === undefined || value === undefined) {
    return shell.print("'unicast' requires a node index, a key, and a value.");
  }
  const node = nodeAt(shell, index);
  if (node === undefined) return;
  await send(shell, "Unicast", () =>
    createClient(Storage, node).writeUnicast(stamped(key, value), shell.callOptions),
  );
}

async function multicast(shell: Shell, words: readonly string[]): Promise<void> {
  const [key, value] = words;
  if (words.length !== 2 || key === undefined || value === undefined) {
    return shell.print("'multicast' requires a key and a value.");
  }
  await send(shell, "Multicast", () =>
    createClient(Storage, shell.configuration).writeMulticast(stamped(key, value), shell.callOptions),
  );
}

async function send({ print }: Shell, name: string, call: () => Promise<void>): Promise<void> {
  try {
    await call();
    print(`${name} OK`);
  } catch (error) {
    print(`${name} failed to send: ${describeError(error)}`);
  }
}

/** The node with this index, or undefined after the reason was printed. */
function nodeAt({ configuration, print }: Shell, text: string): Node | undefined {
  if (!/^[+-]?\d+$/.test(text)) {
    print(`Invalid id '${text}'. node index must be numeric.`);
    return undefined;
  }
  const node = configuration.nodes[readIndex(text) ?? -1];
  if (node === undefined) print(`Invalid index. Must be between 0 and ${configuration.size - 1}.`);
  return node;
}
