import type { DescMethod } from "@bufbuild/protobuf";
import { Code } from "../../internal/errors/code.js";
import { invalidArgument, QuorateError } from "../../internal/errors/quorate-error.js";
import { type CallType, callTypeOf, type QuorateService, wireName } from "../service/quorate-service.js";
import type { HandlerContext } from "./handler-context.js";
import type { Handlers } from "./handler-types.js";

/** Takes the services that a server, or a client that can be called, offers. */
export interface Router {
  /**
   * Serves a service. Returns the router.
   * @throws QuorateError InvalidArgument for a handler that is missing or a method that is served already;
   * FailedPrecondition once the `routes` function has returned.
   */
  service<Service extends QuorateService>(service: Service, handlers: Handlers<Service>): Router;
  /**
   * Has `close` called and awaited once the server, or the connection, is closed and the signals of all its handlers
   * have ended: for what the handlers use. The last one given is called first; all are called, whatever they throw.
   * Returns the router.
   * @throws QuorateError FailedPrecondition once the `routes` function has returned.
   */
  onClose(close: () => unknown): Router;
}

/** One method that is served. */
export interface Route {
  readonly name: string;
  readonly method: DescMethod;
  readonly callType: CallType;
  readonly oneWay: boolean;
  readonly handle: (request: unknown, context: HandlerContext) => unknown;
}

/** The methods that are served, by full name (F-03). */
export type Routes = ReadonlyMap<string, Route>;

/** What a `routes` function has given. */
export interface CollectedRoutes {
  readonly routes: Routes;
  /** Closes what the handlers use. Rejects, once all are closed, with Internal, `CLOSE_FAILED`. */
  readonly close: () => Promise<void>;
}

/** Collects what the `routes` option serves. Rejects with what it throws, once what it gave to close is closed. */
export async function collectRoutes(
  serve: ((router: Router) => unknown) | undefined,
): Promise<CollectedRoutes> {
  const routes = new Map<string, Route>();
  const closers: (() => unknown)[] = [];
  let open = true;
  const router: Router = {
    service: (service, handlers) => {
      if (!open) throw servedTooLate(service.descriptor.typeName);
      for (const route of routesOf(service, handlers)) {
        if (routes.has(route.name)) throw invalidArgument(`the method ${route.name} is served already`);
        routes.set(route.name, route);
      }
      return router;
    },
    onClose: (close) => {
      if (!open) throw servedTooLate("what is to be closed");
      if (typeof close !== "function") throw invalidArgument("onClose takes a function");
      closers.push(close);
      return router;
    },
  };
  try {
    serve?.(router);
  } catch (error) {
    await closeAll(closers).catch(() => {});
    throw error;
  } finally {
    open = false;
  }
  return { routes, close: () => closeAll(closers) };
}

async function closeAll(closers: readonly (() => unknown)[]): Promise<void> {
  const errors: unknown[] = [];
  for (const close of closers.toReversed()) {
    try {
      await close();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length === 0) return;
  const message = `quorate: ${errors.length} of ${closers.length} closers failed: ${errors.map(String).join("; ")}`;
  throw new QuorateError(Code.Internal, message, {
    reason: "CLOSE_FAILED",
    cause: new AggregateError(errors, message),
  });
}

/** Streams read the routes from then on (W-29); an async `routes` function would add to them at some time. */
function servedTooLate(service: string): QuorateError {
  const message = `quorate: ${service} comes too late: say so before the \`routes\` function returns`;
  return new QuorateError(Code.FailedPrecondition, message);
}

function routesOf(service: QuorateService, handlers: object): Route[] {
  const given = handlers as { readonly [name: string]: unknown };
  const served = service.descriptor.methods;
  const names = new Set(served.map((method) => method.localName));
  // An object of a class may have members of its own.
  const isPlain = Object.getPrototypeOf(handlers) === Object.prototype;
  const stranger = isPlain ? Object.keys(given).find((name) => !names.has(name)) : undefined;
  if (stranger !== undefined) {
    throw invalidArgument(`${service.descriptor.typeName} has no method ${stranger} to serve`);
  }
  return served.map((method) => {
    const handler = given[method.localName];
    const name = wireName(method);
    if (typeof handler !== "function") throw invalidArgument(`the handler of ${name} is missing`);
    const callType = callTypeOf(service, method) ?? "rpc";
    return {
      name,
      method,
      callType,
      oneWay: callType === "unicast" || callType === "multicast",
      handle: (request, context) => Reflect.apply(handler, handlers, [request, context]),
    };
  });
}
