import { QuorateError } from "../../../internal/errors/quorate-error.js";
import type { IncomingRequest } from "../../../internal/stream/request-handler.js";
import type { StreamContext } from "../../server/handler-context.js";
import type { Invoke } from "../../server/invoke-handler.js";
import { badStamp } from "../session-errors.js";
import { hasStamp, readStamp, readStampKey, type Stamp, stampKey } from "../stamp.js";
import type { Effect, EndedSession } from "../table/effect.js";
import { sessionsStopped } from "./log-end-errors.js";
import { NumberedRequests } from "./numbered-requests.js";
import { unavailable } from "./request-errors.js";
import type { SessionMethod } from "./session-methods.js";
import type { SessionParts } from "./session-parts.js";
import { type Serve, SessionServiceServer } from "./session-service.js";
import { type UnnumberedCall, UnnumberedCalls } from "./unnumbered-calls.js";

/**
 * Stands before everything else that a request meets at a server: what has to do with sessions is served here, all else
 * goes on. So also a request that nobody serves, or that cannot be decoded, is seen as what it is: a number that was
 * given out.
 */
export class SessionGuard {
  readonly #parts: SessionParts;
  readonly #methods: ReadonlyMap<string, SessionMethod>;
  readonly #service: SessionServiceServer;
  readonly #numbered: NumberedRequests;
  readonly #unnumbered: UnnumberedCalls;

  constructor(parts: SessionParts, methods: ReadonlyMap<string, SessionMethod>) {
    this.#parts = parts;
    this.#methods = methods;
    this.#service = new SessionServiceServer(parts);
    this.#numbered = new NumberedRequests(parts);
    this.#unnumbered = new UnnumberedCalls(parts);
  }

  /** Full names of the methods that are served here. */
  get methods(): string[] {
    return [...this.#service.methods.keys(), ...this.#methods.keys()];
  }

  /** Requests with a number that are in flight. */
  get inFlight(): number {
    return this.#numbered.inFlight;
  }

  /** See `AttachedExtension.handle`. */
  handle(request: IncomingRequest, context: StreamContext, next: Invoke): Promise<void> {
    const serve = this.#service.methods.get(request.method);
    const method = this.#methods.get(request.method);
    if (serve === undefined && method === undefined && !isStamped(request, context)) {
      return next(request, context);
    }
    // The stream was half-closed: nobody can be answered, and who has sent it will send it again elsewhere.
    if (request.unanswerable) return Promise.resolve();
    return this.#answer(request, context, serve, method);
  }

  /** To be called for each entry that is applied, behind who proposed it. */
  applied(effect: Effect): void {
    const { manager, runs } = this.#parts;
    if (effect.kind === "registered" || effect.kind === "resumed") {
      const { client, session, created } = effect.state;
      this.#numbered.fence(client, session, created);
      if (effect.kind === "resumed") manager.ended(client, effect.fenced, "takenOver");
    } else if (effect.kind === "intentClosed") {
      runs.closed(effect.intent, effect.by, effect.op, effect.reply);
    }
    if ("ended" in effect) for (const ended of effect.ended) this.#ended(ended);
  }

  /** The state was replaced by a snapshot: of what waits nobody knows what became. */
  replaced(): void {
    this.#parts.runs.replaced();
    this.#parts.manager.replaced(this.#parts.log.table);
  }

  /** The state is of no use any more. */
  stopped(error: QuorateError): void {
    this.#parts.runs.refuseWaits(sessionsStopped(error));
  }

  async #answer(
    request: IncomingRequest,
    context: StreamContext,
    serve: Serve | undefined,
    method: SessionMethod | undefined,
  ): Promise<void> {
    try {
      const stream = this.#parts.manager.streamOf(context);
      // The metadata of a stream is part of that of each of its calls, and one stamp cannot be that of them all.
      if (stream.isStamped) throw badStamp("it stands in the metadata of the stream");
      const stamp = readStamp(request.entries);
      const { stopped } = this.#parts.log;
      if (stopped !== undefined) throw sessionsStopped(stopped);
      if (serve === undefined) return await this.#serve({ request, stream, method }, stamp);
      if (stamp.kind !== "none") throw badStamp("there is none on a call of the session service");
      await serve({ request, stream });
    } catch (thrown) {
      this.#parts.counters.refused += 1;
      request.fail(asRefusal(thrown));
    }
  }

  #serve(call: UnnumberedCall, stamp: Stamp): Promise<void> {
    if (stamp.kind === "request") return this.#numbered.handle({ ...call, stamp });
    return stamp.kind === "read" ? this.#unnumbered.read(call, stamp) : this.#unnumbered.call(call);
  }

  #ended({ client, user, session, reason, intents }: EndedSession): void {
    this.#parts.runs.ended(intents);
    this.#parts.manager.ended(client, session, reason);
    this.#parts.emit({ kind: "sessionEnded", user, session, reason });
  }
}

function isStamped({ entries }: IncomingRequest, { connection }: StreamContext): boolean {
  return hasStamp(connection.metadata) || entries.some(({ key }) => isStampKey(key.toLowerCase()));
}

function isStampKey(key: string): boolean {
  return key === stampKey || key === readStampKey;
}

/** What is thrown on the way is told as it is, if it is for the client to see. */
function asRefusal(thrown: unknown): QuorateError {
  return thrown instanceof QuorateError ? thrown : unavailable(thrown);
}
