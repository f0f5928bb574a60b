import { create } from "@bufbuild/protobuf";
import { createClient } from "quorate";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { WriteRequestSchema } from "../../examples/storage/gen/storage/v1/storage_pb.js";
import { Storage, Watcher } from "../../examples/storage/gen/storage/v1/storage_quorate.js";
import { createRegister, newest, type Register } from "../../examples/storage/service/register.js";
import { storageRoutes } from "../../examples/storage/service/storage-routes.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";

checkLeaks();

const ids = [1, 2, 3] as const;

/** Three servers with their registers, and a client that keeps what it is told. */
async function startStorage() {
  const registers = ids.map(createRegister);
  const cluster = await createLocalCluster(ids.length, {
    routes: (router, nodeId) => storageRoutes(at(registers, nodeId), nodeId, ids.length)(router),
  });
  const announced: string[] = [];
  const configuration = await cluster.connect({
    routes: (router) =>
      router.service(Watcher, {
        changed: ({ key, value, server }) => {
          announced.push(`${key}=${value} by ${server}`);
        },
        countChanges: () => ({ count: announced.length }),
      }),
  });
  await Promise.all(cluster.servers.map((server) => server.waitForClients(1)));
  return {
    cluster,
    registers,
    configuration,
    announced,
    storage: createClient(Storage, configuration),
    node: (id: number) => createClient(Storage, configuration.node(id)),
    /** To call one server by a quorum call. */
    only: (id: number) => createClient(Storage, configuration.only(id)),
    held: (key: string) => registers.map((register) => register.read(key).value ?? ""),
    [Symbol.asyncDispose]: () => cluster.close(),
  };
}

function at(registers: readonly Register[], nodeId: number): Register {
  const register = registers[nodeId - 1];
  if (register === undefined) throw new Error(`there is no server ${nodeId}`);
  return register;
}

const entry = (value: string, seconds: number) => ({
  key: "k",
  value,
  time: { seconds: BigInt(seconds), nanos: 0 },
});

describe("the storage servers", () => {
  it("write and read at one server by RPC", async () => {
    await using storage = await startStorage();
    expect(await storage.node(2).writeRPC(entry("v", 1))).toMatchObject({ new: true });
    expect(storage.held("k")).toEqual(["", "v", ""]);
    expect(await storage.node(2).readRPC({ key: "k" })).toMatchObject({ value: "v", time: { seconds: 1n } });
  });

  it("reply without a time for a key that was never written", async () => {
    await using storage = await startStorage();
    const reply = await storage.node(1).readRPC({ key: "k" });
    expect(reply.value).toBe("");
    expect(reply.time).toBeUndefined();
  });

  it("take one-way writes, to one and to all", async () => {
    await using storage = await startStorage();
    await storage.node(1).writeUnicast(entry("one", 1));
    await eventually(() => storage.held("k").includes("one"));
    expect(storage.held("k")).toEqual(["one", "", ""]);
    await storage.storage.writeMulticast(entry("all", 2));
    await eventually(() => storage.held("k").join() === "all,all,all");
  });

  it("write at all by quorum call, and read the newest of a majority", async () => {
    await using storage = await startStorage();
    await storage.storage.writeQC(entry("v", 1)).all();
    expect(storage.held("k")).toEqual(["v", "v", "v"]);
    // Two servers have it, so every majority has one of them.
    for (const id of [2, 3]) await storage.node(id).writeRPC(entry("newer", 2));
    expect(await storage.storage.readQC({ key: "k" }).majority(newest)).toMatchObject({ value: "newer" });
  });

  it("[RE-14] say that they did not take an older value", async () => {
    await using storage = await startStorage();
    await storage.node(2).writeRPC(entry("newer", 2));
    const taken = await storage.storage
      .writeQC(entry("older", 1))
      .all((replies) => replies.filter((reply) => reply.new).length);
    expect(taken).toBe(2);
    expect(storage.held("k")).toEqual(["older", "newer", "older"]);
  });

  describe("called by quorum within a call", () => {
    it("write at a majority of the peers", async () => {
      await using storage = await startStorage();
      expect(await storage.only(3).writeNestedQC(entry("v", 1)).first()).toMatchObject({ new: true });
      expect(storage.held("k").filter((value) => value === "v").length).toBeGreaterThanOrEqual(2);
      // The third is sent the request too.
      await eventually(() => storage.held("k").join() === "v,v,v");
    });

    it("read the newest value of a majority of the peers", async () => {
      await using storage = await startStorage();
      at(storage.registers, 1).write(create(WriteRequestSchema, entry("older", 1)));
      for (const id of [2, 3]) at(storage.registers, id).write(create(WriteRequestSchema, entry("newer", 2)));
      expect(await storage.only(1).readNestedQC({ key: "k" }).first()).toMatchObject({ value: "newer" });
    });

    it("[RE-14] say that a majority did not take an older value", async () => {
      await using storage = await startStorage();
      for (const id of ids) at(storage.registers, id).write(create(WriteRequestSchema, entry("newer", 2)));
      expect(await storage.only(2).writeNestedQC(entry("older", 1)).first()).toMatchObject({ new: false });
      expect(storage.held("k")).toEqual(["newer", "newer", "newer"]);
    });

    it("go on with two of three servers, and fail with one of three", async () => {
      await using storage = await startStorage();
      const [first, second, third] = storage.cluster.servers;
      await third?.close();
      await first?.waitForPeers(({ size }) => size === 2);
      expect(await storage.only(1).writeNestedQC(entry("two", 1)).first()).toMatchObject({ new: true });

      await second?.close();
      await first?.waitForPeers(({ size }) => size === 1);
      await expect(storage.only(1).writeNestedQC(entry("alone", 2)).first()).rejects.toThrow(
        / of 2 replies from 1 nodes/,
      );
      await expect(storage.only(1).readNestedQC({ key: "k" }).first()).rejects.toThrow(
        / of 2 replies from 1 nodes/,
      );
    });
  });
});

describe("the clients of the storage servers", () => {
  const told = (value: string) => ids.map((id) => `k=${value} by ${id}`);

  it("are told by each server of each value that it takes, once and in order", async () => {
    await using storage = await startStorage();
    await storage.storage.writeQC(entry("first", 1)).all();
    await storage.storage.writeQC(entry("older", 0)).all();
    await storage.storage.writeMulticast(entry("second", 2));
    await storage.only(1).writeNestedQC(entry("third", 3)).first();
    await eventually(() => told("third").every((one) => storage.announced.includes(one)));
    for (const id of ids) {
      const byOne = storage.announced.filter((one) => one.endsWith(` by ${id}`));
      expect(byOne).toEqual([`k=first by ${id}`, `k=second by ${id}`, `k=third by ${id}`]);
    }
  });

  it("are told by one server of what it alone takes", async () => {
    await using storage = await startStorage();
    await storage.node(2).writeRPC(entry("rpc", 1));
    await storage.node(3).writeUnicast(entry("unicast", 2));
    await eventually(() => storage.announced.length >= 2);
    expect(storage.announced.toSorted()).toEqual(["k=rpc by 2", "k=unicast by 3"]);
  });

  it("can be asked by a server what they were told", async () => {
    await using storage = await startStorage();
    await storage.storage.writeQC(entry("v", 1)).all();
    await eventually(() => storage.announced.length === 3);
    const [client] = storage.cluster.servers[0]?.clients.nodes ?? [];
    if (client === undefined) throw new Error("server 1 has no client");
    expect(await createClient(Watcher, client).countChanges({})).toMatchObject({ count: 3 });
  });

  it("do not hold up a write when one of them goes away", async () => {
    await using storage = await startStorage();
    const other = await storage.cluster.connect({
      routes: (router) => router.service(Watcher, { changed: () => {}, countChanges: () => ({}) }),
    });
    await Promise.all(storage.cluster.servers.map((server) => server.waitForClients(2)));
    const writes = [1, 2, 3].map((time) => storage.storage.writeQC(entry(`v${time}`, time)).all());
    await other.close();
    await Promise.all(writes);
    await storage.storage.writeQC(entry("last", 9)).all();
    await eventually(() => told("last").every((one) => storage.announced.includes(one)));
    expect(storage.announced).toHaveLength(12);
  });
});
