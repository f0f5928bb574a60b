import { describe, expect, it } from "vitest";
import { openEtcdLog } from "../../../src/sessions/commit-log/etcd/index.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { useEtcd } from "../../helpers/use-etcd.js";
import { appendAll, begun, bytes, reader, readTexts, take, text, texts } from "../commit-log/log-helpers.js";
import { compact, countKeys, firstOf } from "./etcd-gateway.js";
import { openWatchedLog } from "./watched-client.js";

checkLeaks();

describe("a log whose etcd is compacted", () => {
  const etcd = useEtcd();
  let logs = 0;
  const optionsOfOne = () => ({ endpoints: etcd().endpoints, prefix: `compacted-${++logs}/` });

  it("is listed as a whole afterwards", async () => {
    const options = optionsOfOne();
    await using log = await begun(openEtcdLog(options));
    for (const each of texts(5)) await log.append(bytes(each));
    await compact(firstOf(etcd()));
    await using late = await begun(openEtcdLog(options));
    expect(await readTexts(late)).toEqual(texts(5));
  });

  it("goes on for those who follow it", async () => {
    await using log = await begun(openEtcdLog(optionsOfOne()));
    const follower = reader(log);
    for (const each of texts(20)) {
      await log.append(bytes(each));
      await compact(firstOf(etcd()));
      expect((await take(follower, 1)).map(({ entry }) => text(entry))).toEqual([each]);
    }
  });

  it("is listed again if the next revision is gone when a watch begins", async () => {
    const options = optionsOfOne();
    await using log = await begun(openEtcdLog(options));
    await appendAll(log, texts(3));
    const watched = openWatchedLog(options);
    await using late = await begun(watched.log);
    const follower = take(reader(late), 9);
    await eventually(() => watched.watches() === 1);
    for (const each of texts(5, 4)) await log.append(bytes(each));
    await compact(firstOf(etcd()));
    watched.begin();
    await eventually(() => watched.watches() === 2);
    expect(watched.responses.some(({ compactRevision }) => compactRevision > 0n)).toBe(true);
    await log.append(bytes("e9"));
    expect((await follower).map(({ entry }) => text(entry))).toEqual(texts(9));
  });

  it("tells who was away meanwhile that a snapshot stands for the entries", async () => {
    const options = optionsOfOne();
    await using log = await begun(openEtcdLog(options));
    const [first = 0] = await appendAll(log, texts(1));
    const watched = openWatchedLog(options);
    await using late = await begun(watched.log);
    const follower = reader(late, first);
    const next = take(follower, 1);
    // Looked at below.
    next.catch(() => {});
    await eventually(() => watched.watches() === 1);
    let op = 0;
    for (const each of texts(5, 2)) op = await log.append(bytes(each));
    expect(await log.saveSnapshot(op, bytes("state"))).toBe(true);
    await compact(firstOf(etcd()));
    watched.begin();
    await expect(next).rejects.toMatchObject({ reason: "LOG_TRUNCATED", floor: op });
    // Its entries are the last of one batch each: all but the last batch are gone.
    expect(await countKeys(firstOf(etcd()), `${options.prefix}log/`)).toBe(1);
    expect(await late.loadSnapshot()).toMatchObject({ op, bytes: bytes("state") });
  });
});
