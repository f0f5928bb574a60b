import { invalidArgument } from "../../internal/errors/quorate-error.js";
import type { IncomingRequest } from "../../internal/stream/request-handler.js";
import type { CallSettings } from "../configuration/peer-node.js";
import type { EventHub } from "../configuration/quorate-event.js";
import type { StreamContext } from "./handler-context.js";
import type { Invoke } from "./invoke-handler.js";
import type { CollectedRoutes } from "./router.js";
import type { ServerInterceptor } from "./server-interceptor.js";

/**
 * Something that is added to a server or a client as a whole, such as client sessions: for the option `extensions`.
 * Get one from the entry point that offers it; what it does is between it and this library.
 */
export interface Extension {
  /** For messages. */
  readonly name: string;
  /** Begins, before anything is served. What it rejects with is what `connect` or `createServer` rejects with. */
  attach(host: ExtensionHost): Promise<AttachedExtension>;
}

/** What an extension is added to. */
export interface ExtensionHost {
  readonly role: "client" | "server";
  /** Which of its `nodes` a server is. */
  readonly nodeId: number | undefined;
  /** The very object that every node of the host has as its settings. */
  readonly calls: CallSettings;
  /** What stands around the handlers of the host. */
  readonly interceptors: readonly ServerInterceptor[];
  readonly events: EventHub;
  /** Whether the texts of errors that carry no status are kept from callers. */
  readonly maskErrors: boolean;
}

/** An extension at work. */
export interface AttachedExtension {
  /** Full names of the methods that it serves itself. */
  readonly methods: readonly string[];
  /**
   * Takes every request before its method is looked up, and answers it or hands it on. The place of the request in the
   * order of its stream is held until this resolves, or until `request.release()`.
   */
  handle(request: IncomingRequest, stream: StreamContext, next: Invoke): Promise<void>;
  /** A stream that the host has dialled is up; `stream.connection.closed` ends with it. */
  streamOpened?(stream: StreamContext): void;
  /** The host begins to close: what waits for others must not hold it up. */
  closing?(): void;
  /** All requests are over. */
  close(): Promise<void>;
}

/** All extensions of a host. */
export interface AttachedExtensions {
  /** `invoke` behind the extensions; the first one is the outermost. */
  readonly around: (invoke: Invoke) => Invoke;
  readonly streamOpened: (stream: StreamContext) => void;
  readonly closing: () => void;
  /** Closes them, the last one first, and what the handlers of the host use. */
  readonly close: () => Promise<void>;
}

/**
 * Attaches extensions, one after another; if one fails, those before it are closed, and what the routes have opened.
 *
 * @throws QuorateError InvalidArgument for what is no extension, and for a method that is served already.
 */
export async function attachExtensions(
  extensions: readonly Extension[] = [],
  { routes, close: closeRoutes }: CollectedRoutes,
  host: ExtensionHost,
): Promise<AttachedExtensions> {
  const attached: AttachedExtension[] = [];
  const close = () => closeAll([...attached.toReversed().map((one) => () => one.close()), closeRoutes]);
  const served = new Set(routes.keys());
  try {
    for (const extension of extensions) {
      checkExtension(extension);
      const one = await extension.attach(host);
      attached.push(one);
      for (const method of one.methods) {
        if (served.has(method)) throw invalidArgument(`the method ${method} is served already`);
        served.add(method);
      }
    }
  } catch (error) {
    // What went wrong first is what there is to mend.
    await close().catch(() => {});
    throw error;
  }
  return {
    around: (invoke) => attached.reduceRight<Invoke>(behind, invoke),
    streamOpened: (stream) => {
      for (const extension of attached) extension.streamOpened?.(stream);
    },
    closing: () => {
      for (const extension of attached) extension.closing?.();
    },
    close,
  };
}

/** Closes all, whatever one of them throws; rejects with the first error then. */
async function closeAll(closers: readonly (() => Promise<void>)[]): Promise<void> {
  const errors: unknown[] = [];
  for (const close of closers) await close().catch((error: unknown) => errors.push(error));
  if (errors.length > 0) throw errors[0];
}

function behind(next: Invoke, extension: AttachedExtension): Invoke {
  return (request, stream) => extension.handle(request, stream, next);
}

function checkExtension(extension: Extension | undefined): void {
  if (typeof extension?.attach === "function") return;
  throw invalidArgument("extensions takes what sessionClient() and its like return");
}
