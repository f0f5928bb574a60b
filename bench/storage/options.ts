import { parseArgs } from "node:util";
import { readDuration, readInteger } from "../shared/option-values.js";
import { orRefused, RefusedOption, refuseOthers } from "../shared/refused-option.js";
import { selectBenchmarks } from "./benchmarks.js";

/** How the benchmarks are run. */
export interface RunOptions {
  /** Which of them, by name; default all. */
  readonly benchmarks: RegExp;
  /** Addresses of servers; empty for servers of our own. */
  readonly remotes: readonly string[];
  /** Nodes of the configuration; fewer than 1 for all; default 4. */
  readonly configSize: number;
  /** Replies that a quorum call waits for; fewer than 1, the default, for a majority. */
  readonly quorumSize: number;
  /** Milliseconds of each measurement; default 1,000. */
  readonly timeMs: number;
  /** Milliseconds of calls before it; default 100. */
  readonly warmupMs: number;
  /** Bytes of the payload of each message; default 0. */
  readonly payloadBytes: number;
  /** Calls that are under way at the same time; default 1. */
  readonly concurrent: number;
  /** The same for AsyncQuorumCall; default 1,000. */
  readonly maxAsync: number;
  /** Calls that wait to be sent to one node; 0, the default, for the library's own. */
  readonly sendBuffer: number;
  /** Requests that wait at one of our own servers; 0, the default, for the library's own. */
  readonly recvBuffer: number;
  /** Show the memory use of each server; default false. */
  readonly serverStats: boolean;
  /** Print one JSON object; default false. */
  readonly json: boolean;
}

/** What the tool was asked to do. */
export type Command =
  | { readonly kind: "help" }
  | { readonly kind: "list" }
  | { readonly kind: "serve"; readonly address: string; readonly recvBuffer: number }
  | { readonly kind: "run"; readonly options: RunOptions }
  | { readonly kind: "refused"; readonly reason: string };

/** Reads the arguments of the tool. What is wrong with them is told with the name of the option. */
export function parseOptions(args: readonly string[]): Command {
  return orRefused(() => read(args));
}

const flags = {
  help: { type: "boolean" },
  list: { type: "boolean" },
  server: { type: "string" },
  remotes: { type: "string" },
  benchmarks: { type: "string" },
  "config-size": { type: "string" },
  "quorum-size": { type: "string" },
  time: { type: "string" },
  warmup: { type: "string" },
  payload: { type: "string" },
  concurrent: { type: "string" },
  "max-async": { type: "string" },
  "send-buffer": { type: "string" },
  "recv-buffer": { type: "string" },
  "server-stats": { type: "boolean" },
  json: { type: "boolean" },
} as const;

function read(args: readonly string[]): Exclude<Command, { kind: "refused" }> {
  const { values } = parseArgs({ args: [...args], options: flags, strict: true });
  if (values.help === true) return { kind: "help" };
  const given = Object.keys(values);
  const integer = (name: IntegerFlag, byDefault: number, min: number, max: number) =>
    readInteger(name, values[name], byDefault, min, max);
  if (values.list === true) {
    refuseOthers("list", given, []);
    return { kind: "list" };
  }
  const recvBuffer = integer("recv-buffer", 0, 0, maxCount);
  if (values.server !== undefined) {
    refuseOthers("server", given, ["recv-buffer"]);
    return { kind: "serve", address: values.server, recvBuffer };
  }

  const remotes = readRemotes(values.remotes);
  const configSize = integer("config-size", 4, -maxCount, maxCount);
  if (remotes.length === 0 && configSize < 1) {
    throw new RefusedOption(
      `--config-size ${configSize} means all servers of --remotes, which was not given`,
    );
  }
  if (remotes.length === 0 && configSize > maxLocalServers) {
    throw new RefusedOption(
      `--config-size starts so many processes without --remotes: at most ${maxLocalServers}, not ${configSize}`,
    );
  }
  if (remotes.length > 0 && values["recv-buffer"] !== undefined) {
    throw new RefusedOption("--recv-buffer belongs to the servers: with --remotes, give it to each --server");
  }
  const options: RunOptions = {
    benchmarks: readPattern(values.benchmarks),
    remotes,
    configSize,
    quorumSize: integer("quorum-size", 0, -maxCount, maxCount),
    timeMs: readDuration("time", values.time, 1_000, 1),
    warmupMs: readDuration("warmup", values.warmup, 100, 0),
    payloadBytes: integer("payload", 0, 0, maxPayloadBytes),
    concurrent: integer("concurrent", 1, 1, maxLanes),
    maxAsync: integer("max-async", 1_000, 1, maxLanes),
    sendBuffer: integer("send-buffer", 0, 0, maxCount),
    recvBuffer,
    serverStats: values["server-stats"] ?? false,
    json: values.json ?? false,
  };
  return { kind: "run", options };
}

type IntegerFlag =
  | "config-size"
  | "quorum-size"
  | "payload"
  | "concurrent"
  | "max-async"
  | "send-buffer"
  | "recv-buffer";

const maxCount = 1_000_000;
/** The calls that may wait to be sent to one node, unless --send-buffer says another number. */
const maxLanes = 65_536;
const maxLocalServers = 64;
/** With its envelope a message has at most 4 MiB. */
const maxPayloadBytes = 4_000_000;

function readPattern(text: string | undefined): RegExp {
  if (text === undefined) return /(?:)/;
  const pattern = toPattern(text);
  if (selectBenchmarks(pattern).length > 0) return pattern;
  const names = selectBenchmarks(/(?:)/).map(({ name }) => name);
  throw new RefusedOption(`--benchmarks "${text}" matches none of ${names.join(", ")}`);
}

function toPattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    throw new RefusedOption(`--benchmarks must be a regular expression: ${(error as Error).message}`);
  }
}

function readRemotes(text: string | undefined): string[] {
  if (text === undefined) return [];
  const remotes = text.split(",").map((address) => address.trim());
  if (remotes.every((address) => address !== "")) return remotes;
  throw new RefusedOption(`--remotes must be addresses with commas between them, not "${text}"`);
}
