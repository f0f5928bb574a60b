import type { Server, ServerOptions } from "quorate";
import { readNodeList } from "../../src/configuration/node-register.js";
import { bindServer } from "../../src/server/create-server.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { echoHandlers } from "../helpers/test-service.js";

/** Replicas on the loopback address, each with options of its own, such as a certificate. */
export interface Replicas extends AsyncDisposable {
  readonly nodes: { readonly [id: number]: string };
  /** Those that were opened, by id; node ids from 1 on. */
  server(id: number): Server;
}

/** Opens replicas 1 to `size`. They do not wait for each other: some may not let others in. */
export async function openReplicas(
  size: number,
  optionsOf: (id: number) => Omit<ServerOptions, "address" | "nodes" | "nodeId">,
): Promise<Replicas> {
  const ids = Array.from({ length: size }, (_, at) => at + 1);
  const bound = await Promise.all(
    ids.map((id) =>
      bindServer(
        { routes: (router) => router.service(Test, echoHandlers(id)), ...optionsOf(id) },
        "127.0.0.1:0",
      ),
    ),
  );
  const nodes = Object.fromEntries(bound.map(({ address }, at) => [at + 1, address]));
  const known = await readNodeList(nodes);
  const servers = bound.map((one, at) => one.start(known, at + 1));
  return {
    nodes,
    server: (id) => {
      const server = servers[id - 1];
      if (server === undefined) throw new Error(`there is no replica ${id}`);
      return server;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(servers.map((server) => server.close({ graceMs: 0 })));
    },
  };
}
