import { describe, expect, it } from "vitest";
import { openEtcdLog } from "../../../src/sessions/commit-log/etcd/index.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { useEtcd } from "../../helpers/use-etcd.js";
import { begun, readTexts } from "../commit-log/log-helpers.js";
import { RawSessionClient } from "../server/raw-session-client.js";
import { append, read, valueOf } from "../server/register-service.js";
import { compact, countKeys, firstOf } from "./etcd-gateway.js";
import { startRegisterServer } from "./register-server.js";
import { startServerChild } from "./start-server-child.js";

checkLeaks();

describe("a server that is stopped between an append and its answer", () => {
  const etcd = useEtcd();

  it("does not put the entry again when others have snapshotted and deleted it, and goes on from the snapshot", async () => {
    const prefix = "stopped/";
    const { endpoints } = etcd();
    const member = firstOf(etcd());
    const log = openEtcdLog({ endpoints, prefix });
    await using other = await startRegisterServer({ log, serverId: "two", snapshotEvery: 10, checkEvery: 5 });
    await using stopped = await startServerChild({ endpoints, prefix, serverId: "one" });
    await using client = await RawSessionClient.connect(stopped);
    await client.open();
    await using elsewhere = await RawSessionClient.connect({ address: other.address, client: 2 });
    await elsewhere.open();

    const first = client.request(1, append("stop here", "stopped"));
    expect((await stopped.child.lines(2))[1]).toBe("stops after it was put");
    // From now on nothing waits for it in its connections.
    await member.kill();
    await member.start();
    await eventually(() => other.register.value("stopped") === "stop here", "the entry at the other server");
    for (let at = 1; at <= 40; at++) valueOf(await elsewhere.request(at, append(`${at},`)));
    await eventually(() => other.events.filter(({ kind }) => kind === "snapshotSaved").length >= 3);
    await eventually(async () => (await countKeys(member, `${prefix}log/`)) < 20, "the deletion");
    await compact(member);

    stopped.child.resume();
    const [, , replaced = ""] = await stopped.child.lines(3);
    expect(replaced).toMatch(/^replaced, /);
    await first;
    let again = await client.request(1, append("stop here", "stopped"));
    await eventually(async () => {
      if (again.op === undefined) again = await client.request(1, append("stop here", "stopped"));
      return again.op !== undefined;
    });
    expect(valueOf(again)).toBe("stop here");
    expect(valueOf(await client.request(2, append(", once", "stopped")))).toBe("stop here, once");
    expect(valueOf(await client.read(read("k")))).toBe(other.register.value("k"));
    await eventually(() => other.register.runs.includes(", once"));
    expect(other.register.runs.filter((value) => value === "stop here")).toHaveLength(1);
    expect(other.sessions.stopped.aborted).toBe(false);
    // Nor is it there for a second time, of which nobody would take notice.
    await using looking = await begun(openEtcdLog({ endpoints, prefix }));
    const { op = 0 } = (await looking.loadSnapshot()) ?? {};
    expect((await readTexts(looking, op)).filter((each) => each.includes("stop here"))).toEqual([]);
  });
});
