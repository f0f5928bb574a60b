import type { Message } from "@bufbuild/protobuf";
import { Code } from "../../../internal/errors/code.js";
import { invalidArgument, QuorateError } from "../../../internal/errors/quorate-error.js";
import type { QuorateService } from "../../service/quorate-service.js";
import { errorReply, type Reply } from "../reply.js";
import type { MachineSnapshot } from "../table/machine-snapshot.js";
import type { ReplicatedCall } from "../table/run-replicated.js";
import { handlerErrorReply, replicatedError } from "./handler-errors.js";
import type { ReplicatedContext } from "./session-handlers.js";
import { decodeRequest, encodeSorted, type SessionMethod } from "./session-methods.js";
import type { StateMachines } from "./state-machines.js";

/** How the state of a replicated service is kept. */
export interface ReplicateOptions<Names extends string = string> {
  /** The whole state as bytes, the same on every server that applied the same entries: sort what has no order. */
  readonly snapshot: () => Uint8Array;
  /** Replaces the state by what `snapshot` gave, perhaps on another server or by an older version. */
  readonly restore: (bytes: Uint8Array, version: number) => void;
  /** The version of what `snapshot` gives, an integer from 0 to 2^32-1; default 0. */
  readonly version?: number;
  /** Whether calls without a session are served where nobody has logged in; default false. */
  readonly anonymous?: boolean;
  /**
   * Of reads (methods marked `NO_SIDE_EFFECTS`): "linearizable", the default, sees everything that was committed before
   * the read began; "local" sees what this server has applied, and at least what its session has seen.
   */
  readonly consistency?: { readonly [Name in Names]?: "linearizable" | "local" };
}

interface Machine extends Pick<ReplicateOptions, "snapshot" | "restore"> {
  readonly service: string;
  readonly version: number;
}

/** The replicated services of a server: their state machines as one. */
export class ReplicatedServices implements StateMachines {
  readonly #machines: Machine[] = [];
  readonly #methods = new Map<string, SessionMethod>();
  #failed: HandlerFailed = () => {};

  /** Adds a service. Throws InvalidArgument for options that are wrong. */
  add({ descriptor }: QuorateService, methods: readonly SessionMethod[], options: ReplicateOptions): void {
    const { snapshot, restore, version = 0 } = options;
    if (typeof snapshot !== "function" || typeof restore !== "function") {
      throw invalidArgument(`${descriptor.typeName} cannot be replicated without snapshot and restore`);
    }
    if (!Number.isInteger(version) || version < 0 || version > 0xffff_ffff) {
      throw invalidArgument(`the version of ${descriptor.typeName} must be an integer from 0 to 2^32-1`);
    }
    this.#machines.push({ service: descriptor.typeName, version, snapshot, restore });
    for (const method of methods) this.#methods.set(method.name, method);
  }

  /** Tells of what handlers throw from now on, as {@link HandlerFailed} says. */
  watch(failed: HandlerFailed): void {
    this.#failed = failed;
  }

  /** See `RunReplicated`. */
  readonly run = (call: ReplicatedCall): Reply => {
    const method = this.#methods.get(call.method);
    if (method === undefined) {
      const message = `quorate: the log has a request of ${call.method}, which is not replicated here: this server stops`;
      throw new QuorateError(Code.Unimplemented, message, { reason: "UNKNOWN_ENTRY" });
    }
    const request = decodeEntry(method, call);
    const { op, timestampMs, user, client } = call;
    const { reply, fatal } = runMethod(method, request, { op, timestampMs, user, client }, this.#failed);
    if (fatal !== undefined) throw fatal;
    return reply;
  };

  snapshot(): MachineSnapshot[] {
    return this.#machines.map(({ service, version, snapshot }) => {
      const state = snapshot();
      if (!(state instanceof Uint8Array))
        throw invalidArgument(`the snapshot of ${service} is no Uint8Array`);
      return { service, version, state };
    });
  }

  restore(machines: readonly MachineSnapshot[]): void {
    const states = new Map(machines.map((machine) => [machine.service, machine]));
    const stranger = machines.find(({ service }) => !this.#machines.some((one) => one.service === service));
    if (stranger !== undefined) throw notHere(stranger.service);
    for (const { service, restore } of this.#machines) {
      const machine = states.get(service);
      // A service that came later has no state there: it is as it was when it was made.
      if (machine !== undefined) restore(machine.state, machine.version);
    }
  }
}

/** What came of a replicated handler. */
export interface MethodRun {
  readonly reply: Reply;
  /** What stops the server, unless it was a read: nobody knows when, and in which state, the handler will go on. */
  readonly fatal?: QuorateError;
}

/** Told of what a replicated handler throws that is no QuorateError: its caller is not told what it was. */
export type HandlerFailed = (method: string, error: QuorateError) => void;

/** Runs a handler of a replicated method. What it throws is the reply. */
export function runMethod(
  method: SessionMethod,
  request: Message,
  context: ReplicatedContext,
  failed: HandlerFailed,
): MethodRun {
  try {
    const result = method.handle(request, context);
    if (!isPromise(result)) return { reply: { kind: "payload", bytes: encodeSorted(method, result) } };
    if (result instanceof Promise) result.catch(() => {});
  } catch (thrown) {
    const error = QuorateError.from(thrown);
    if (error !== thrown) failed(method.name, error);
    return { reply: handlerErrorReply(replicatedError(thrown, method.name)) };
  }
  const fatal = promiseReturned(method.name);
  return { reply: errorReply(fatal), fatal };
}

function promiseReturned(method: string): QuorateError {
  const message = `quorate: the handler of ${method} has returned a promise; handlers of replicated methods are synchronous`;
  return new QuorateError(Code.Internal, message, { reason: "ASYNC_HANDLER" });
}

function decodeEntry(method: SessionMethod, { op, payload }: ReplicatedCall): Message {
  try {
    // A copy: what a handler does to the bytes in its request must not change the entry.
    return decodeRequest(method, payload.slice());
  } catch (error) {
    const message = `quorate: the request of ${method.name} at op ${op} cannot be decoded: this server stops`;
    throw new QuorateError(Code.Unimplemented, message, { reason: "UNKNOWN_ENTRY", cause: error });
  }
}

function notHere(service: string): QuorateError {
  const message = `quorate: the snapshot has the state of ${service}, which is not replicated here: this server stops`;
  return new QuorateError(Code.Unimplemented, message, { reason: "UNKNOWN_ENTRY" });
}

function isPromise(result: unknown): boolean {
  return (
    typeof result === "object" && result !== null && "then" in result && typeof result.then === "function"
  );
}
