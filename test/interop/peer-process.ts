import { type ChildProcessByStdio, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import {
  create,
  type DescMethod,
  fromJson,
  type JsonValue,
  type MessageInitShape,
  type MessageShape,
  toJson,
} from "@bufbuild/protobuf";
import { type Code, QuorateError } from "quorate";
import { eventually } from "../helpers/eventually.js";

/** What a peer is to be; `test/interop/go/peer.go` says what each field means. */
export interface PeerSetup {
  readonly role: "server" | "client" | "replica";
  readonly address?: string;
  readonly node?: number;
  readonly nodes?: { readonly [id: number]: string };
  readonly serves?: boolean;
  readonly metadata?: { readonly [key: string]: string };
}

/** The configuration that a command is about: what the peer dialled, the known peers or the clients that came. */
export type PeerConfiguration = "outbound" | "peers" | "clients";

/** Where a call goes: by default to node 1 of what the peer dialled. */
export interface PeerCallOptions {
  readonly on?: PeerConfiguration;
  readonly node?: number;
  readonly metadata?: { readonly [key: string]: string };
  readonly timeoutMs?: number;
  /** The level of a correctable call, or the number of calls of a burst. */
  readonly count?: number;
}

/** A peer in a process of its own, which does what it is told. */
export interface PeerProcess extends AsyncDisposable {
  /** Where it listens; empty of a client. */
  readonly address: string;
  /** The ids of a configuration. */
  nodes(on: PeerConfiguration): Promise<number[]>;
  /** Makes one call and hands on its one reply. Rejects with the error that the peer got, as a QuorateError. */
  call<Method extends DescMethod>(
    method: Method,
    request: MessageInitShape<Method["input"]>,
    options?: PeerCallOptions,
  ): Promise<MessageShape<Method["output"]>>;
  /** Has a command of `test/interop/go/commands.go` carried out. Rejects as {@link PeerProcess.call} does. */
  run(command: string, options?: PeerCallOptions, request?: JsonValue): Promise<JsonValue>;
  /** Stops the process, as it is: its connections stay, and nobody answers on them. Resolves once it stands still. */
  halt(): Promise<void>;
  resume(): void;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
}

interface Line {
  readonly ready?: boolean;
  readonly address?: string;
  readonly id?: number;
  readonly ok?: JsonValue;
  readonly error?: { readonly code: number; readonly message: string };
}

/** Starts a program that speaks the lines of `test/interop/go/main.go`. It ends with this process at the latest. */
export async function startPeer(
  program: string,
  setup: PeerSetup,
  args: readonly string[] = [],
): Promise<PeerProcess> {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
  running.add(child);
  const exited = once(child, "exit").finally(() => running.delete(child));
  child.stdin.on("error", () => {});
  const waiting = new Map<number, (line: Line) => void>();
  const ready = new Promise<string>((resolve) => waiting.set(0, ({ address = "" }) => resolve(address)));
  createInterface(child.stdout).on("line", (text) => {
    const line = JSON.parse(text) as Line;
    waiting.get(line.id ?? 0)?.(line);
    waiting.delete(line.id ?? 0);
  });
  const gone = exited.then(() => Promise.reject(new Error("the peer is gone")));
  // Whoever waits gets it from its own race.
  gone.catch(() => {});
  let lastId = 0;
  const write = (line: object) => child.stdin.write(`${JSON.stringify(line)}\n`);
  const run: PeerProcess["run"] = async (command, options = {}, request = {}) => {
    const id = ++lastId;
    const answer = new Promise<Line>((resolve) => waiting.set(id, resolve));
    write({ id, do: command, on: "outbound", node: 1, ...options, request });
    const { ok = null, error } = await Promise.race([answer, gone]);
    if (error !== undefined) throw new QuorateError(error.code as Code, error.message);
    return ok;
  };
  const kill = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  write(setup);
  return {
    address: await Promise.race([ready, gone]),
    run,
    nodes: async (on) => (await run("nodes", { on })) as number[],
    call: async (method, request, options) => {
      const json = toJson(method.input, create(method.input, request));
      return fromJson(method.output, await run(method.name, options, json)) as MessageShape<
        (typeof method)["output"]
      >;
    },
    halt: async () => {
      child.kill("SIGSTOP");
      // Its threads stop one after the other, and one that still runs may answer.
      await eventually(() => isHalted(child.pid), "that the process is halted");
    },
    resume: () => child.kill("SIGCONT"),
    kill,
    [Symbol.asyncDispose]: kill,
  };
}

function isHalted(pid = 0): boolean {
  if (process.platform !== "linux") {
    return execFileSync("ps", ["-o", "state=", "-p", `${pid}`], { encoding: "utf8" }).startsWith("T");
  }
  return readdirSync(`/proc/${pid}/task`).every((thread) =>
    /^State:\s+T/m.test(readFileSync(`/proc/${pid}/task/${thread}/status`, "utf8")),
  );
}

const running = new Set<ChildProcessByStdio<Writable, Readable, null>>();

/** Kills what a test that ran out of time has left; a halted process would not even notice that its stdin is gone. */
export async function killLeftPeers(): Promise<void> {
  await Promise.all(
    [...running].map(async (child) => {
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    }),
  );
}
