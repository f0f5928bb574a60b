import { createLocalCluster, type LocalCluster } from "quorate/testing";
import { createInterceptors, type ServerInterceptorName } from "../interceptors/parse-interceptors.js";
import { createRegister } from "../service/register.js";
import { storageRoutes } from "../service/storage-routes.js";

/** How {@link startLocalServers} makes the servers. */
export interface LocalServersOptions {
  readonly interceptors: readonly ServerInterceptorName[];
  readonly log: (line: string) => void;
}

/** Starts servers in this process, on ports of 127.0.0.1 that the system chooses; resolves when they are connected. */
export function startLocalServers(
  count: number,
  { interceptors, log }: LocalServersOptions,
): Promise<LocalCluster> {
  return createLocalCluster(count, {
    transport: "loopback",
    routes: (router, nodeId) => storageRoutes(createRegister(), nodeId, count)(router),
    serverInterceptors: createInterceptors(interceptors, log),
  });
}
