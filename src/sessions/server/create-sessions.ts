import { Code } from "../../../internal/errors/code.js";
import { invalidArgument, QuorateError } from "../../../internal/errors/quorate-error.js";
import type { AttachedExtension, ExtensionHost } from "../../server/extension.js";
import { checkFunctions, count } from "../../server/peer-options.js";
import type { QuorateService } from "../../service/quorate-service.js";
import type { CommitLog } from "../commit-log/commit-log.js";
import type { Authenticate, Authenticator } from "../credentials/authenticate.js";
import { guardAuthenticator } from "../credentials/guard-authenticator.js";
import { proposedLimits, type SessionLimitOptions, type SessionLimits } from "../session-limits.js";
import { configureLimits } from "./configure-limits.js";
import { GuardedRuns } from "./guarded-runs.js";
import { ReplicatedServices, type ReplicateOptions } from "./replicated-services.js";
import { SessionGuard } from "./session-guard.js";
import { SessionLog } from "./session-log.js";
import { SessionManager } from "./session-manager.js";
import { type SessionMethod, sessionMethods } from "./session-methods.js";
import type { SessionCounters } from "./session-parts.js";
import type { Sessions, SessionsSnapshot } from "./sessions.js";
import type { SessionsEvent } from "./sessions-event.js";

/** The options of {@link createSessions}. */
export interface SessionsOptions {
  /**
   * Where the entries go. Owned from when a server attaches the sessions: closed with that server, also if it does not
   * start then. A server that refuses its other options has not attached them.
   */
  readonly log: CommitLog;
  /**
   * Says who somebody is: `passwordUsers()`, `tokenUsers()`, `certificateUsers()`, several by `authenticateBy()`, or a
   * function of your own. Default: nobody need log in, and everybody is the user "".
   */
  readonly authenticate?: Authenticate | Authenticator;
  /** Take passwords and tokens over connections without TLS from other hosts; default false. */
  readonly allowInsecureCredentials?: boolean;
  /** The limits of a new log; those of an old one must be the same, or left out. */
  readonly limits?: SessionLimitOptions;
  /**
   * Who this server is among those of the log, the same after a restart: 1 to 255 bytes. Default: its node id, else
   * "server"; with a log that is shared, a server without a node id must have one. Two servers of one log must not have
   * the same: where one starts, what the other runs for guarded requests is given up as that of a dead one.
   */
  readonly serverId?: string;
  /** How long a request may wait here, in milliseconds; default 30,000. */
  readonly maxWaitMs?: number;
  /** Entries from one snapshot to the next; default 16,384. */
  readonly snapshotEvery?: number;
  /**
   * Entries from one comparison of the states of all servers to the next; default 0, for none. Each costs as much as a
   * snapshot. Must be the same on all servers.
   */
  readonly checkEvery?: number;
  /** Told of what happens beside the requests. */
  readonly onEvent?: (event: SessionsEvent) => void;
}

/**
 * Client sessions for one server. A client that registers has each of its requests applied at most once, and is given
 * the original reply, however often it sends it and to whichever server of the log.
 *
 * @throws QuorateError InvalidArgument that names the option.
 */
export function createSessions(options: SessionsOptions): Sessions {
  return new ServerSessions(options);
}

/** A server whose log is open. */
interface Running {
  readonly log: SessionLog;
  readonly guard: SessionGuard;
  readonly manager: SessionManager;
  readonly runs: GuardedRuns;
  readonly maxMessageBytes: number;
}

class ServerSessions implements Sessions {
  readonly name = "sessions";
  readonly #options: SessionsOptions;
  readonly #maxWaitMs: number;
  readonly #snapshotEvery: number;
  readonly #methods = new Map<string, SessionMethod>();
  readonly #services = new ReplicatedServices();
  readonly #stopped = new AbortController();
  readonly #counters: SessionCounters = {
    accepted: 0,
    joined: 0,
    replayed: 0,
    refused: 0,
    reads: 0,
    calls: 0,
  };
  #attached = false;
  #running: Running | undefined;

  constructor(options: SessionsOptions) {
    const { log, authenticate, onEvent, serverId, limits, checkEvery = 0 } = options;
    if (typeof log?.append !== "function")
      throw invalidArgument("log takes a commit log, such as createMemoryLog()");
    checkFunctions({ onEvent });
    if (authenticate !== undefined && !isAuthenticate(authenticate)) {
      throw invalidArgument("authenticate takes passwordUsers() or its like, or a function");
    }
    if (serverId !== undefined && !isServerId(serverId)) throw invalidArgument("serverId has 1 to 255 bytes");
    if (!Number.isSafeInteger(checkEvery) || checkEvery < 0) {
      throw invalidArgument(`checkEvery must be an integer from 0 on; it is ${checkEvery}`);
    }
    proposedLimits(limits);
    this.#maxWaitMs = count("maxWaitMs", options.maxWaitMs, 30_000);
    this.#snapshotEvery = count("snapshotEvery", options.snapshotEvery, 16_384);
    this.#options = options;
  }

  get stopped(): AbortSignal {
    return this.#stopped.signal;
  }

  replicate(service: QuorateService, stateMachine: object, options: ReplicateOptions | undefined): Sessions {
    if (options === undefined) throw invalidArgument("replicate takes snapshot and restore");
    const { anonymous = false, consistency = {} } = options;
    const methods = this.#check(service, stateMachine, { mode: "replicated", anonymous, consistency });
    this.#services.add(service, methods, options);
    this.#add(methods);
    return this;
  }

  guard(
    service: QuorateService,
    handlers: object,
    { anonymous = false }: { anonymous?: boolean } = {},
  ): Sessions {
    this.#add(this.#check(service, handlers, { mode: "guarded", anonymous, consistency: {} }));
    return this;
  }

  async attach(host: ExtensionHost): Promise<AttachedExtension> {
    if (host.role !== "server")
      throw invalidArgument("sessions are for createServer(); for connect() take sessionClient()");
    if (this.#attached) throw notNow("sessions are those of one server");
    this.#attached = true;
    try {
      this.#running = await this.#open(host);
    } catch (error) {
      // Why it does not start is what there is to know.
      await this.#options.log.close().catch(() => {});
      throw QuorateError.from(error, Code.Unavailable);
    }
    const { guard, manager, runs, log } = this.#running;
    return {
      methods: guard.methods,
      handle: (request, stream, next) => guard.handle(request, stream, next),
      closing: () => runs.closing(),
      close: async () => {
        await runs.close();
        manager.close();
        await log.close();
      },
    };
  }

  async configure(limits: SessionLimitOptions): Promise<SessionLimits> {
    const { log, maxMessageBytes } = this.#required();
    const { maxEntryBytes } = this.#options.log;
    return configureLimits(log, limits, { maxEntryBytes, maxMessageBytes, maxWaitMs: this.#maxWaitMs });
  }

  snapshot(): SessionsSnapshot {
    const { guard, log, manager, runs } = this.#required();
    const { streams, bound } = manager.counts;
    return {
      clusterId: log.table.clusterId,
      appliedOp: log.table.appliedOp,
      limits: log.table.limits,
      sessions: log.table.size,
      openIntents: [...log.table.intents()].length,
      inFlight: guard.inFlight,
      runningHandlers: runs.running,
      streams,
      boundClients: bound,
      counters: { ...this.#counters },
    };
  }

  async #open(host: ExtensionHost): Promise<Running> {
    const { authenticate, allowInsecureCredentials = false, limits, checkEvery = 0 } = this.#options;
    const { interceptors, maskErrors, nodeId } = host;
    const { maxMessageBytes } = host.calls;
    const serverId = this.#serverId(nodeId);
    const emit = (event: SessionsEvent): void => {
      const { onEvent } = this.#options;
      if (onEvent !== undefined) host.events.guard("onEvent", () => onEvent(event));
    };
    const authenticator =
      authenticate &&
      guardAuthenticator(authenticate, {
        allowInsecureCredentials,
        onFailure: (error) => emit({ kind: "hookFailed", error }),
      });
    // The log tells of nothing before it is open.
    const told: { guard?: SessionGuard } = {};
    const log = await SessionLog.open({
      log: this.#options.log,
      limits,
      maxMessageBytes,
      machines: this.#services,
      serverId,
      snapshotEvery: this.#snapshotEvery,
      checkEvery,
      maxWaitMs: this.#maxWaitMs,
      nowMs: Date.now,
      observer: {
        applied: (effect) => told.guard?.applied(effect),
        replaced: () => {
          told.guard?.replaced();
          emit({ kind: "stateReplaced", op: log.table.appliedOp });
        },
        stopped: (error) => {
          told.guard?.stopped(error);
          emit({ kind: "stopped", error });
          this.#stopped.abort(error);
        },
        readFailed: (error) => emit({ kind: "logUnavailable", error }),
        appendFailed: (error) => emit({ kind: "appendFailed", error }),
        snapshotSaved: (op) => emit({ kind: "snapshotSaved", op }),
        snapshotFailed: (error) => emit({ kind: "snapshotFailed", error }),
      },
    });
    const maxWaitMs = this.#maxWaitMs;
    const manager = new SessionManager({ authenticator, maxWaitMs, emit });
    const runs = new GuardedRuns({ log, emit, maskErrors });
    const parts = {
      log,
      manager,
      runs,
      interceptors,
      maskErrors,
      serverId,
      maxWaitMs,
      counters: this.#counters,
      emit,
    };
    const guard = new SessionGuard(parts, this.#methods);
    told.guard = guard;
    this.#services.watch((method, error) => emit({ kind: "handlerFailed", method, error }));
    return { log, guard, manager, runs, maxMessageBytes };
  }

  #serverId(nodeId: number | undefined): string {
    const { log, serverId } = this.#options;
    if (serverId !== undefined) return serverId;
    if (nodeId !== undefined) return String(nodeId);
    if (log.shared !== true) return "server";
    throw invalidArgument(
      "other servers may share the log: give each of them a serverId of its own, or a nodeId",
    );
  }

  #check(
    service: QuorateService,
    handlers: object,
    init: Parameters<typeof sessionMethods>[2],
  ): SessionMethod[] {
    if (this.#attached) throw notNow("services are to be added before the server is created");
    const methods = sessionMethods(service, handlers, init);
    const again = methods.find(({ name }) => this.#methods.has(name));
    if (again !== undefined) throw invalidArgument(`the method ${again.name} is served already`);
    return methods;
  }

  #add(methods: readonly SessionMethod[]): void {
    for (const method of methods) this.#methods.set(method.name, method);
  }

  #required(): Running {
    if (this.#running === undefined) throw notNow("the sessions belong to no server yet");
    return this.#running;
  }
}

function isAuthenticate(authenticate: Authenticate | Partial<Authenticator> | null): boolean {
  if (typeof authenticate === "function") return true;
  return typeof authenticate?.authenticate === "function" && typeof authenticate.stillValid === "function";
}

function isServerId(serverId: string): boolean {
  return typeof serverId === "string" && serverId !== "" && Buffer.byteLength(serverId) <= 255;
}

function notNow(message: string): QuorateError {
  return new QuorateError(Code.FailedPrecondition, `quorate: ${message}`);
}
