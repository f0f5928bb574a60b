import {
  Code,
  type Connection,
  createClient,
  type HandlerContext,
  type Metadata,
  QuorateError,
} from "quorate";
import { createLocalCluster, type LocalClusterOptions } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { rejectionOf } from "../calls/held-cluster.js";
import { serverAt, transports } from "../conformance/stages.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { checkLeaks } from "../helpers/leaks.js";
import { callbackHandlers, echoHandlers } from "../helpers/test-service.js";

checkLeaks();

describe.each(transports)("the metadata that a handler reads, on %s", (transport) => {
  /** Servers whose rpc answers with what `read` makes of its metadata. */
  const open = (
    read: (metadata: Metadata, context: HandlerContext) => string,
    options?: LocalClusterOptions,
  ) =>
    createLocalCluster(1, {
      ...options,
      transport,
      routes: (router) =>
        router.service(Test, {
          ...echoHandlers(),
          echoRPC: (_, context) => ({ value: read(context.metadata, context) }),
        }),
    });
  const idOf = (metadata: Metadata) => metadata.getAll("id").join(" and ");

  it("[MD-01] is that of the connection, in every call", async () => {
    await using cluster = await open(idOf);
    const client = await cluster.connect({ metadata: { id: "1" } });
    const test = createClient(Test, client.node(1));
    expect((await test.echoRPC({})).value).toBe("1");
    expect((await test.echoRPC({})).value).toBe("1");
  });

  it("[MD-02] is that of the call, in that call alone", async () => {
    await using cluster = await open(idOf);
    const test = createClient(Test, (await cluster.connect()).node(1));
    expect((await test.echoRPC({}, { metadata: { id: "1" } })).value).toBe("1");
    expect((await test.echoRPC({})).value).toBe("");
  });

  it("[MD-03] never takes the place of the node id, which comes first", async () => {
    const connections: Connection[] = [];
    await using cluster = await open(idOf, { onConnect: (connection) => connections.push(connection) });
    const server = serverAt(cluster, 1);
    const client = await cluster.connect({
      metadata: { id: "1", "gorums-node-id": "99" },
      routes: (router) => router.service(Callback, callbackHandlers()),
    });
    // As node 99 it would not be tracked.
    await server.waitForClients(1);
    expect((await createClient(Test, client.node(1)).echoRPC({})).value).toBe("1");
    const ids = connections[0]?.metadata.getAll("gorums-node-id").flatMap((value) => value.split(/, */));
    expect(ids).toEqual(["0", "99"]);
  });

  it("[MD-06] is the same where a server calls itself", async () => {
    await using cluster = await open((metadata, { caller }) => `${idOf(metadata)} of ${caller?.id}`);
    const server = serverAt(cluster, 1);
    for (const { nodes } of [server.configuration, server.peers]) {
      const [self] = nodes;
      if (self === undefined) throw new Error("the server is not among its own nodes");
      const reply = await createClient(Test, self).echoRPC({}, { metadata: { ID: ["1", "2"] } });
      expect(reply.value).toBe("1 and 2 of 1");
    }
  });

  it.each([Code.NotFound, Code.InvalidArgument])(
    "[MD-08] may lack a field: the handler's status %s arrives",
    async (code) => {
      await using cluster = await open((metadata) => {
        const id = metadata.get("id");
        if (id === undefined) throw new QuorateError(code, "the metadata has no id");
        return id;
      });
      const test = createClient(Test, (await cluster.connect()).node(1));
      expect(await rejectionOf(test.echoRPC({}))).toMatchObject({ code, message: "the metadata has no id" });
      expect((await test.echoRPC({}, { metadata: { id: "1" } })).value).toBe("1");
    },
  );
});
