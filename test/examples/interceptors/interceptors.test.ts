import { createClient, type ServerInterceptor } from "quorate";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { Storage } from "../../../examples/storage/gen/storage/v1/storage_quorate.js";
import { delayed } from "../../../examples/storage/interceptors/delayed.js";
import {
  createInterceptors,
  parseInterceptors,
} from "../../../examples/storage/interceptors/parse-interceptors.js";
import { createRegister } from "../../../examples/storage/service/register.js";
import { storageRoutes } from "../../../examples/storage/service/storage-routes.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";

checkLeaks();

/** One server with interceptors, or those of a list, and what these log. */
async function startServer(interceptors: string | readonly ServerInterceptor[]) {
  const log: string[] = [];
  const print = (line: string) => log.push(line);
  const register = createRegister();
  const cluster = await createLocalCluster(1, {
    routes: storageRoutes(register, 1, 1),
    serverInterceptors:
      typeof interceptors === "string"
        ? createInterceptors(parseInterceptors(interceptors), print)
        : interceptors,
  });
  const configuration = await cluster.connect();
  return {
    log,
    register,
    all: createClient(Storage, configuration),
    one: createClient(Storage, configuration.node(1)),
    [Symbol.asyncDispose]: () => cluster.close(),
  };
}

const entry = (key: string) => ({ key, value: "v", time: { seconds: 1n } });
const foo = "requests for key 'foo' are not allowed";
const write = "storage.v1.Storage.WriteRPC";

describe("the interceptors of the storage example", () => {
  it.each([
    {
      list: "logging,nofoo,metadata,delayed",
      log: [`${write} of key 'foo': begins`, `${write} of key 'foo': fails: ${foo}`],
    },
    {
      list: "metadata,logging,nofoo",
      log: [`${write} of key 'foo': begins customkey=customValue`, `${write} of key 'foo': fails: ${foo}`],
    },
    {
      list: "metadata,metadata,logging,nofoo,logging",
      log: [
        `${write} of key 'foo': begins customkey=customValue customkey=customValue`,
        `${write} of key 'foo': fails: ${foo}`,
      ],
    },
    { list: "nofoo,logging", log: [] },
  ])("[RE-12] are installed in the order $list", async ({ list, log }) => {
    await using server = await startServer(list);
    await expect(server.one.writeRPC(entry("foo"))).rejects.toThrow(foo);
    expect(server.log).toEqual(log);
    expect(server.register.read("foo")).toEqual({});
  });

  it("[RE-12] let other keys pass", async () => {
    await using server = await startServer("logging,nofoo,metadata,delayed");
    expect(await server.one.writeRPC(entry("bar"))).toMatchObject({ new: true });
    expect(await server.one.readRPC({ key: "bar" })).toMatchObject({ value: "v" });
    expect(server.log).toEqual([
      `${write} of key 'bar': begins`,
      `${write} of key 'bar': ends well`,
      "storage.v1.Storage.ReadRPC of key 'bar': begins",
      "storage.v1.Storage.ReadRPC of key 'bar': ends well",
    ]);
  });

  it("[RE-12] refuse the key foo in every kind of call", async () => {
    await using server = await startServer("nofoo");
    const key = "foo";
    await expect(server.one.readRPC({ key })).rejects.toThrow(foo);
    await expect(server.all.readQC({ key }).all()).rejects.toThrow(foo);
    await expect(server.all.writeQC(entry(key)).all()).rejects.toThrow(foo);
    await expect(server.all.readNestedQC({ key }).all()).rejects.toThrow(foo);
    await expect(server.all.readCorrectable({ key }).correctable(1).result()).rejects.toThrow(foo);
    await server.one.writeUnicast(entry(key));
    await server.all.writeMulticast(entry(key));
    // In order, so that both have run before this one.
    await server.one.writeRPC(entry("last"));
    expect(server.register.read("foo")).toEqual({});
    expect(server.register.read("last")).toMatchObject({ value: "v" });
  });

  it("delay a request, and pass on what it becomes", async () => {
    await using server = await startServer("delayed,nofoo");
    const start = performance.now();
    expect(await server.one.writeRPC(entry("bar"))).toMatchObject({ new: true });
    await expect(server.one.writeRPC(entry("foo"))).rejects.toThrow(foo);
    // A timer may be early by a part of a millisecond.
    expect(performance.now() - start).toBeGreaterThanOrEqual(198);
  });

  it("do not run a request that nobody waits for any longer", async () => {
    const log: string[] = [];
    const print = (line: string) => log.push(line);
    await using server = await startServer([...createInterceptors(["logging"], print), delayed(3_600_000)]);
    const given = new AbortController();
    const call = server.one.writeRPC(entry("bar"), { signal: given.signal }).catch(String);
    await eventually(() => log.length === 1);
    given.abort();
    expect(await call).toContain("Canceled");
    await eventually(() => log.length === 2);
    expect(log[1]).toMatch(/of key 'bar': fails: /);
    expect(server.register.read("bar")).toEqual({});
  });
});
