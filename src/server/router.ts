import type { DescMethod } from "@bufbuild/protobuf";
import { invalidArgument } from "../../internal/errors/quorate-error.js";
import { type CallType, callTypeOf, type QuorateService, wireName } from "../service/quorate-service.js";
import type { HandlerContext } from "./handler-context.js";
import type { Handlers } from "./handler-types.js";

/** Takes the services that a server, or a client that can be called, offers. */
export interface Router {
  /**
   * Serves a service. Returns the router.
   * @throws QuorateError InvalidArgument for a handler that is missing or a method that is served already.
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
  const router: Router = {
    service: (service, handlers) => {
      for (const route of routesOf(service, handlers)) {
        if (routes.has(route.name)) throw invalidArgument(`the method ${route.name} is served already`);
        routes.set(route.name, route);
      }
      return router;
    },
  };
  serve?.(router);
  return routes;
}

function routesOf(service: QuorateService, handlers: object): Route[] {
  const given: { readonly [name: string]: unknown } = { ...handlers };
  const served = service.descriptor.methods.filter((method) => isServed(callTypeOf(service, method)));
  const names = new Set(served.map((method) => method.localName));
  const stranger = Object.keys(given).find((name) => !names.has(name));
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
