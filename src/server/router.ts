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
}

/** One method that is served. */
export interface Route {
  readonly name: string;
  readonly method: DescMethod;
  readonly oneWay: boolean;
  readonly handle: (request: unknown, context: HandlerContext) => unknown;
}

/** The methods that are served, by full name (F-03). */
export type Routes = ReadonlyMap<string, Route>;

/** Collects what the `routes` option serves. */
export function collectRoutes(serve: ((router: Router) => unknown) | undefined): Routes {
  const routes = new Map<string, Route>();
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
  };
  serve?.(router);
  open = false;
  return routes;
}

/** Streams read the routes from then on (W-29); an async `routes` function would add to them at some time. */
function servedTooLate(service: string): QuorateError {
  const message = `quorate: ${service} comes too late: call service() before the \`routes\` function returns`;
  return new QuorateError(Code.FailedPrecondition, message);
}

function routesOf(service: QuorateService, handlers: object): Route[] {
  const given = handlers as { readonly [name: string]: unknown };
  const served = service.descriptor.methods.filter((method) => isServed(callTypeOf(service, method)));
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
    const type = callTypeOf(service, method);
    return {
      name,
      method,
      oneWay: type === "unicast" || type === "multicast",
      handle: (request, context) => Reflect.apply(handler, handlers, [request, context]),
    };
  });
}

function isServed(type: CallType | undefined): boolean {
  return type !== undefined && type !== "correctable";
}
