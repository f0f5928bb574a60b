import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServerInterceptor } from "quorate";
import { createLocalCluster, type LocalCluster } from "quorate/testing";
import { WriteRequestSchema } from "../../examples/storage/gen/storage/v1/storage_pb.js";
import { runLine } from "../../examples/storage/repl/commands.js";
import type { Shell } from "../../examples/storage/repl/shell.js";
import { createRegister, type Register } from "../../examples/storage/service/register.js";
import { storageRoutes } from "../../examples/storage/service/storage-routes.js";

/** Storage servers in this process, and a shell whose output is kept. */
export interface StartedShell extends AsyncDisposable {
  readonly cluster: LocalCluster;
  readonly shell: Shell;
  /** Runs a line, and returns what it printed. */
  run(line: string): Promise<string[]>;
  /** What was printed since the last line that was run, or since this was asked last. */
  printed(): string[];
  /** What each server holds for a key; empty for nothing. */
  held(key: string): string[];
  /** Which servers were asked to read or write, since it was asked last. */
  asked(): number[];
  /** Puts a value into the register of the server at this index. */
  put(index: number, key: string, value: string, timeMs: number): void;
}

/** Starts four servers, or as many as are asked for, and a shell. */
export async function startShell(
  options: { readonly servers?: number; readonly serverInterceptors?: readonly ServerInterceptor[] } = {},
): Promise<StartedShell> {
  const { servers = 4, serverInterceptors = [] } = options;
  const asked = new Set<number>();
  const registers = Array.from({ length: servers }, createRegister);
  const cluster = await createLocalCluster(servers, {
    serverInterceptors,
    routes: (router, id) =>
      storageRoutes(
        noting(registerAt(id - 1), () => asked.add(id)),
        id,
        servers,
      )(router),
  });
  const printed: string[] = [];
  const shell: Shell = {
    configuration: await cluster.connect(),
    callOptions: { timeoutMs: 15_000 },
    print: (line) => printed.push(line),
  };

  function registerAt(index: number): Register {
    const register = registers[index];
    if (register === undefined) throw new Error(`there is no server at ${index}`);
    return register;
  }

  return {
    cluster,
    shell,
    run: async (line) => {
      await runLine(line, shell);
      return printed.splice(0);
    },
    printed: () => printed.splice(0),
    held: (key) => registers.map((register) => register.read(key).value ?? ""),
    asked: () => {
      const ids = [...asked].sort((a, b) => a - b);
      asked.clear();
      return ids;
    },
    put: (index, key, value, timeMs) => {
      registerAt(index).write(create(WriteRequestSchema, { key, value, time: timestampFromMs(timeMs) }));
    },
    [Symbol.asyncDispose]: () => cluster.close(),
  };
}

/** Later than every write of a test. */
export const inAThousandYears: number = Date.now() + 31_557_600_000_000;

function noting(register: Register, note: () => void): Register {
  return {
    read: (key) => {
      note();
      return register.read(key);
    },
    write: (request) => {
      note();
      return register.write(request);
    },
  };
}
