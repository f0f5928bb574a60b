import { describe, expect, it } from "vitest";
import { openEtcdLog } from "../../../src/sessions/commit-log/etcd/index.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { useEtcd } from "../../helpers/use-etcd.js";
import { refusedWith } from "../server/expected-answers.js";
import { append, valueOf } from "../server/register-service.js";
import { SessionServer } from "../server/session-server.js";
import { compact, countKeys, firstOf } from "./etcd-gateway.js";

checkLeaks();

describe("a server that is slow", () => {
  const etcd = useEtcd();

  it("loads a snapshot while requests are in flight there: they are to be sent again, and are applied once", async () => {
    const member = firstOf(etcd());
    const prefix = "slow/";
    const store = { open: () => openEtcdLog({ endpoints: etcd().endpoints, prefix }) };
    await using fast = await SessionServer.start({ store, sessions: { snapshotEvery: 10 } });
    await using slow = await fast.join();
    const client = await slow.open(1);
    const busy = await fast.open(2);
    let number = 0;
    const work = async (count: number) => {
      for (let at = 0; at < count; at++) {
        number += 1;
        valueOf(await busy.request(number, append(`b${number},`, "busy")));
      }
    };
    valueOf(await client.request(1, append("1,")));
    const goOn = slow.control.holdEntries();
    await work(30);
    const inFlight = [2, 3, 4].map((at) => client.request(at, append(`${at},`)));
    await eventually(() => fast.register.value("k") === "1,2,3,4,");
    await work(30);
    await eventually(async () => (await countKeys(member, `${prefix}log/`)) < 20, "the deletion");
    await compact(member);
    await member.kill();
    await member.start();
    expect(slow.register.value("k")).toBe("1,");
    goOn();

    for (const answer of await Promise.all(inFlight)) expect(answer).toEqual(refusedWith("RETRY"));
    expect(slow.events.map(({ kind }) => kind)).toContain("stateReplaced");
    const again = await Promise.all([2, 3, 4].map((at) => client.request(at, append(`${at},`))));
    expect(again.map(valueOf)).toEqual(["1,2,", "1,2,3,", "1,2,3,4,"]);
    expect(valueOf(await client.request(5, append("5,")))).toBe("1,2,3,4,5,");
    await eventually(() => fast.appliedOp === slow.appliedOp);
    expect(slow.register.snapshot()).toEqual(fast.register.snapshot());
    expect(fast.register.runs.filter((value) => value === "3,")).toHaveLength(1);
  });
});
