import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { type CallTarget, type Client, type Configuration, createClient, type Node } from "quorate";
import type { ReadResponse, WriteRequestSchema } from "../gen/storage/v1/storage_pb.js";
import { Storage } from "../gen/storage/v1/storage_quorate.js";
import { isTakenByMajority, newest } from "../service/register.js";
import { describeError } from "./describe-error.js";
import type { Shell } from "./shell.js";

type Operations<Target extends CallTarget> = { readonly [name: string]: Operation<Target> };

interface Operation<Target extends CallTarget> {
  /** For errors. */
  readonly name: string;
  readonly needs: "a key to read" | "a key and a value to write";
  /** Makes the call; resolves with the last line to print. */
  readonly run: (call: OperationCall<Target>) => Promise<string>;
}

interface OperationCall<Target extends CallTarget> {
  readonly storage: Client<typeof Storage, Target>;
  readonly target: Target;
  readonly key: string;
  /** Empty for a read. */
  readonly value: string;
  readonly shell: Shell;
}

/** Runs an operation at one node, by RPC. Its words are its name, a key, and of a write a value. */
export function runAtNode(shell: Shell, node: Node, words: readonly string[]): Promise<void> {
  return run(nodeOperations, shell, node, words);
}

/** Runs an operation at the nodes of a configuration, by quorum call. */
export function runAtNodes(shell: Shell, nodes: Configuration, words: readonly string[]): Promise<void> {
  return run(quorumOperations, shell, nodes, words);
}

/** What is written: the time is this moment, so that it replaces whatever was written before. */
export function stamped(key: string, value: string): MessageInitShape<typeof WriteRequestSchema> {
  return { key, value, time: timestampNow() };
}

const read = { needs: "a key to read" } as const;
const write = { needs: "a key and a value to write" } as const;

const nodeOperations: Operations<Node> = {
  read: {
    ...read,
    name: "Read RPC",
    run: async ({ storage, key, shell }) => found(key, await storage.readRPC({ key }, shell.callOptions)),
  },
  write: {
    ...write,
    name: "Write RPC",
    run: async ({ storage, key, value, shell }) => {
      const reply = await storage.writeRPC(stamped(key, value), shell.callOptions);
      return reply.new ? "Write OK" : tooOld(key);
    },
  },
};

const quorumOperations: Operations<Configuration> = {
  read: {
    ...read,
    name: "Read quorum call",
    run: async ({ storage, key, shell }) =>
      found(key, await storage.readQC({ key }, shell.callOptions).majority(newest)),
  },
  cread: {
    ...read,
    name: "Correctable read",
    run: async ({ storage, target, key, shell }) => {
      const majority = Math.floor(target.size / 2) + 1;
      const values = storage.readCorrectable({ key }, shell.callOptions).correctable(majority, newest);
      // All are watched from the start: replies that come together are levels of their own.
      const watched = Array.from({ length: majority }, (_, at) => values.watch(at + 1));
      for (const [at, state] of watched.entries()) {
        const { level, value } = await state;
        if (value !== undefined && level === at + 1) shell.print(`${found(key, value)} (level ${level})`);
      }
      await values.result();
      return "Correctable read finished";
    },
  },
  write: {
    ...write,
    name: "Write quorum call",
    run: async ({ storage, key, value, shell }) => {
      const taken = await isTakenByMajority(storage.writeQC(stamped(key, value), shell.callOptions));
      return taken ? "Write OK" : tooOld(key);
    },
  },
  nread: {
    ...read,
    name: "Nested read quorum call",
    run: async ({ storage, key, shell }) =>
      found(key, await storage.readNestedQC({ key }, shell.callOptions).majority(newest)),
  },
  nwrite: {
    ...write,
    name: "Nested write quorum call",
    run: async ({ storage, key, value, shell }) => {
      const taken = await isTakenByMajority(storage.writeNestedQC(stamped(key, value), shell.callOptions));
      return taken ? "Nested write OK" : tooOld(key);
    },
  },
};

async function run<Target extends CallTarget>(
  operations: Operations<Target>,
  shell: Shell,
  target: Target,
  [name = "", key, value, ...more]: readonly string[],
): Promise<void> {
  const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
  if (operation === undefined) {
    const names = Object.keys(operations).join(", ");
    return shell.print(`Unknown operation '${name}'. It must be one of: ${names}.`);
  }
  const { needs } = operation;
  const given = [key, value, ...more].filter((word) => word !== undefined).length;
  if (key === undefined || given !== (needs === read.needs ? 1 : 2)) {
    return shell.print(`'${name}' requires ${needs}.`);
  }
  try {
    const storage = createClient(Storage, target);
    shell.print(await operation.run({ storage, target, key, value: value ?? "", shell }));
  } catch (error) {
    shell.print(`${operation.name} finished with error: ${describeError(error)}`);
  }
}

/** A reply without a time is that of a server that does not have the key. */
function found(key: string, { value, time }: ReadResponse): string {
  return time === undefined ? `${key} was not found` : `${key} = ${value}`;
}

function tooOld(key: string): string {
  return `Failed to update ${key}: timestamp too old.`;
}
