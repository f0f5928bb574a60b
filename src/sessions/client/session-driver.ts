import type { Message } from "@bufbuild/protobuf";
import { QuorateError } from "../../../internal/errors/quorate-error.js";
import type { BackoffOptions } from "../../../internal/stream/backoff.js";
import { outsideScopes } from "../../../internal/util/async-scope.js";
import { onAbort } from "../../../internal/util/on-abort.js";
import type { TargetedCall } from "../../calls/call-target.js";
import type { PeerNode } from "../../configuration/peer-node.js";
import type { Connection } from "../../server/connection.js";
import type { AwaitedRequest } from "./awaited-request.js";
import { classifyEviction, type Eviction } from "./classify-answer.js";
import { sessionEnded } from "./client-errors.js";
import type { ConnectedSession, DialledStream } from "./dialled-streams.js";
import type { Registration } from "./held-session.js";
import { KeepAlive } from "./keep-alive.js";
import type { Login } from "./login.js";
import type { RecoveredCall } from "./recovered-call.js";
import { newNonce, Registrar, type ServerPreference } from "./register-session.js";
import type { RequestFailure } from "./request-ledger.js";
import { type AnswerListener, RequestSender } from "./request-sender.js";
import type { ServerChoice } from "./server-choice.js";
import type { SessionJournal, SessionSnapshot } from "./session.js";
import { SessionCall } from "./session-call.js";
import { SessionEvents } from "./session-events.js";
import { JournalKeeper, type JournalListener } from "./session-journal.js";
import { SessionRequests } from "./session-requests.js";
import type { SessionState } from "./session-state.js";
import { Setbacks } from "./setbacks.js";
import { unregisterSession } from "./unregister-session.js";

/** What a session is driven with. */
export interface SessionDriverInit {
  readonly state: SessionState;
  readonly servers: ServerChoice;
  readonly login: Login;
  readonly journal: SessionJournal | undefined;
  readonly backoff: BackoffOptions;
  readonly tryTimeoutMs: number;
  readonly maxWaiting: number;
  readonly maxQueuedEvents: number;
  readonly maxMessageBytes: number;
  /** What a restored session has to finish. */
  readonly recovered: readonly RecoveredCall[];
  readonly observer: SessionObserver;
}

/** What the owner of a session is told. */
export interface SessionObserver {
  /** It is registered, and stored if there is a journal; once. */
  opened(): void;
  /** A server could not register it now; another try follows. */
  tryFailed(error: QuorateError): void;
  /** Something is answered, or given up. */
  settled(): void;
  /** It is over: without an error if it was unregistered. Once, and last. */
  ended(error: QuorateError | undefined): void;
}

/**
 * Brings a session to the servers and keeps it there: binds it to a stream, and when that is lost, or its server of no
 * use, to the next one, where all that is unanswered is sent again before anything new.
 */
export class SessionDriver implements ConnectedSession, AnswerListener, JournalListener {
  readonly client: string;
  readonly events: SessionEvents;
  readonly #init: SessionDriverInit;
  readonly #state: SessionState;
  readonly #sender: RequestSender;
  readonly #requests: SessionRequests;
  readonly #journal: JournalKeeper;
  readonly #keepAlive: KeepAlive;
  readonly #registrar: Registrar;
  readonly #setbacks: Setbacks;
  readonly #over = new AbortController();
  readonly #leave: () => void;
  /** One function for all calls. */
  readonly #left = (call: SessionCall): void => {
    this.#requests.leave(call);
    this.#init.observer.settled();
  };
  /** Where the session was last; where its calls are seen to go. */
  #node: PeerNode;
  #unlisten: (() => void) | undefined;
  #isOpen = false;
  #isClosing = false;
  /** An eviction that came while the session registered: perhaps ahead of the answer, and of the number in it. */
  #eviction: { readonly eviction: Omit<Eviction, "onBoundStream">; readonly on: Connection } | undefined;

  /** Begins to register. @param client the client id */
  constructor(client: string, node: PeerNode, init: SessionDriverInit) {
    const { state, servers, maxQueuedEvents } = init;
    this.client = client;
    this.#node = node;
    this.#init = init;
    this.#state = state;
    this.events = new SessionEvents(maxQueuedEvents);
    this.#sender = new RequestSender(state, this);
    this.#journal = new JournalKeeper(init.journal, state, this);
    this.#requests = new SessionRequests({ ...init, sender: this.#sender, journal: this.#journal });
    this.#keepAlive = new KeepAlive(state, this.#sender, (error) => this.end(error));
    this.#setbacks = new Setbacks(init.backoff);
    this.#registrar = new Registrar({
      ...init,
      signal: this.#over.signal,
      registered: (stream) => this.#bind(stream),
      failed: (error) => init.observer.tryFailed(error),
    });
    this.#leave = servers.join(this);
    void this.#register(state.register(newNonce()), {});
  }

  /** Whether nothing is unanswered. */
  get isIdle(): boolean {
    return this.#requests.isEmpty;
  }

  get counts(): Omit<SessionSnapshot, "session"> {
    return this.#requests.counts;
  }

  /** Makes a call. */
  call(call: TargetedCall): Promise<Message> {
    return new Promise((resolve, reject) => {
      try {
        if (this.#isClosing || this.#state.phase === "closed") throw notSent(this.#state.ended);
        const made = new SessionCall(call, this.#node, { resolve, reject, left: this.#left });
        if (made.begin()) this.#requests.add(made);
      } catch (thrown) {
        reject(QuorateError.from(thrown));
      }
    });
  }

  /** Takes no more calls. */
  refuseCalls(): void {
    this.#isClosing = true;
  }

  /** Unregisters, and gives up what is unanswered. False while it registers: it can be done once that is over. */
  unregister(): boolean {
    if (!this.#state.isBound) return false;
    const { client, session } = this.#state.readStamp();
    const first = this.#sender.stream;
    const given = this.#state.unregister({ abort: true });
    this.#unbind();
    this.#requests.giveUp(given, undefined);
    unregisterSession({
      ...this.#init,
      session: { client, session },
      first,
      signal: this.#over.signal,
      failed: (error) => this.#init.observer.tryFailed(error),
    }).then(
      () => {
        if (this.#state.phase !== "unregistering") return;
        this.#state.unregistered();
        this.#finish([], undefined);
      },
      (error: unknown) => this.end(QuorateError.from(error)),
    );
    return true;
  }

  evicted(eviction: Omit<Eviction, "onBoundStream">, on: Connection): void {
    if (this.#state.phase === "registering") this.#eviction = { eviction, on };
    const onBoundStream = this.#sender.stream?.connection === on;
    const action = classifyEviction({ ...eviction, onBoundStream }, this.#state);
    if (action.kind === "end") this.end(action.error);
  }

  closed(error: QuorateError): void {
    this.end(error);
  }

  end(error: QuorateError): void {
    if (this.#state.phase !== "closed") this.#finish(this.#state.end(error), error);
  }

  progressed(request: number | undefined): void {
    this.#setbacks.progressed();
    if (request !== undefined) this.#keepAlive.used();
  }

  completed(awaited: AwaitedRequest, request: number | undefined): void {
    this.#requests.completed(awaited, request);
    this.#requests.write();
    this.#init.observer.settled();
  }

  resend(error: QuorateError, awaited: AwaitedRequest): void {
    this.#requests.refused(awaited);
    this.#setBack(error, () => {
      this.#state.resend();
      this.#sender.nextRound();
      this.#requests.rewrite();
      this.#keepAlive.resend();
    });
  }

  registerAgain(error: QuorateError): void {
    const again = () => {
      const first = this.#unbind();
      this.events.emit({ kind: "failingOver", error });
      void this.#register(this.#state.registerAgain(), { first });
    };
    // Once at once: the stream was not bound yet, or not any more.
    if (this.#setbacks.areNone) {
      this.#setbacks.add(error);
      again();
    } else this.#setBack(error, again);
  }

  lost(error: QuorateError): void {
    if (!this.#state.isBound) return;
    const stream = this.#unbind();
    this.events.emit({ kind: "failingOver", error });
    void this.#register(this.#state.register(newNonce()), { last: stream?.node });
  }

  recorded(): void {
    if (this.#state.phase === "closed") return;
    this.#open();
    this.#requests.write();
  }

  failed(error: QuorateError): void {
    this.end(error);
  }

  async #register(registration: Registration, preference: ServerPreference): Promise<void> {
    try {
      await outsideScopes(() => this.#registrar.run(registration, preference));
    } catch (error) {
      this.end(QuorateError.from(error));
    }
  }

  #bind(stream: DialledStream): void {
    this.#node = stream.node;
    this.#sender.bind(stream);
    this.#unlisten = onAbort(stream.connection.closed, (reason) => this.lost(QuorateError.from(reason)));
    this.#keepAlive.start();
    this.events.emit({ kind: "bound", node: stream.node, session: this.#state.session });
    const missed = this.#eviction;
    this.#eviction = undefined;
    if (stream.connection.closed.aborted) this.lost(QuorateError.from(stream.connection.closed.reason));
    else if (missed !== undefined) this.evicted(missed.eviction, missed.on);
    if (!this.#state.isBound) return;
    // It may be about to leave, and then there is nothing to write.
    this.#init.observer.settled();
    if (!this.#state.isBound) return;
    const isStored = !this.#journal.registered();
    this.#requests.rewrite();
    if (isStored) this.#open();
  }

  #open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#init.observer.opened();
  }

  /** Backs off once for all that is refused meanwhile, or goes to another server if this one is of no use. */
  #setBack(error: QuorateError, again: () => void): void {
    if (this.#setbacks.isWaiting) return;
    const bound = this.#sender.stream;
    const isUseless = this.#setbacks.add(error);
    if (isUseless && this.#init.servers.connected().some((stream) => stream !== bound)) {
      this.#setbacks.left();
      this.lost(error);
      return;
    }
    this.#requests.hold();
    this.#setbacks.wait(again);
  }

  #unbind(): DialledStream | undefined {
    const { stream } = this.#sender;
    this.#unlisten?.();
    this.#unlisten = undefined;
    this.#setbacks.stop();
    this.#keepAlive.stop();
    this.#sender.bind(undefined);
    this.#requests.unbound();
    return stream;
  }

  #finish(failures: readonly RequestFailure[], error: QuorateError | undefined): void {
    this.#unbind();
    this.#leave();
    this.#over.abort(error);
    this.#requests.giveUp(failures, error);
    this.events.emit({ kind: "ended", error });
    this.#init.observer.ended(error);
  }
}

function notSent(cause: QuorateError | undefined): QuorateError {
  return sessionEnded("the session has ended: the call was not sent", cause);
}
