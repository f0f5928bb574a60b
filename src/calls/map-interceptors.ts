import type { ClientInterceptor, skip } from "../configuration/client-interceptor.js";
import type { Node } from "../configuration/node.js";

/** An interceptor that maps the request for each node; a node for which `map` returns `skip` is not asked. */
export function mapRequest<Request, Reply>(
  map: (request: Request, node: Node) => Request | typeof skip,
): ClientInterceptor<Request, Reply> {
  return () => ({ request: map });
}

/** An interceptor that maps each reply; errors pass as they are. */
export function mapResponse<Request, Reply>(
  map: (reply: Reply, node: Node) => Reply,
): ClientInterceptor<Request, Reply> {
  return () => ({
    response: (response) =>
      response.ok ? { ...response, value: map(response.value, response.node) } : response,
  });
}
