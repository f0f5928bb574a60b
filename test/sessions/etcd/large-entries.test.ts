import { describe, expect, it } from "vitest";
import { openEtcdLog } from "../../../src/sessions/commit-log/etcd/index.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { useEtcd } from "../../helpers/use-etcd.js";
import { begun, bytes, readAll, reader, readTexts, take, text } from "../commit-log/log-helpers.js";
import { openWatchedLog } from "./watched-client.js";

checkLeaks();

const mebibyte = 2 ** 20;

/** An entry of this size, which is like no other one. */
function large(size: number, at = 0): Uint8Array {
  return new Uint8Array(size).fill(97 + at);
}

describe("a log in an etcd that takes less than maxRequestBytes says", () => {
  const etcd = useEtcd({ flags: ["--max-request-bytes", String(mebibyte / 2)] });

  it.each([
    { what: "etcd refuses", size: 0.7 * mebibyte },
    { what: "gRPC refuses before etcd sees it", size: 1.3 * mebibyte },
  ])("refuses an entry that $what, names the option, and goes on", async ({ size }) => {
    await using log = await begun(openEtcdLog({ endpoints: etcd().endpoints, prefix: `${size}/` }));
    await expect(log.append(large(size))).rejects.toMatchObject({
      outcome: "not-appended",
      reason: "ENTRY_TOO_LARGE",
      message: expect.stringContaining("maxRequestBytes must be its --max-request-bytes"),
    });
    await log.append(bytes("small"));
    expect(await readTexts(log)).toEqual(["small"]);
  });
});

describe("a log in an etcd that takes large requests", () => {
  const maxRequestBytes = 8 * mebibyte;
  const etcd = useEtcd({ flags: ["--max-request-bytes", String(maxRequestBytes)] });

  it("yields an entry above 4 MiB as it comes, and to those who come later", async () => {
    const options = { endpoints: etcd().endpoints, prefix: "large/", maxRequestBytes };
    await using log = await begun(openEtcdLog(options));
    await using other = await begun(openEtcdLog(options));
    const follower = reader(other);
    await log.append(bytes("before"));
    expect((await take(follower, 1)).map(({ entry }) => text(entry))).toEqual(["before"]);
    const entry = large(6 * mebibyte);
    const op = await log.append(entry);
    const [live] = await take(follower, 1);
    const [, listed] = await readAll(other);
    for (const found of [live, listed]) {
      expect(found?.op).toBe(op);
      expect(Buffer.compare(found?.entry ?? bytes(""), entry)).toBe(0);
    }
  });
});

describe("a log with more than 4 MiB of entries", () => {
  const etcd = useEtcd();
  const sizes = Array.from({ length: 12 }, (_, at) => ({ at, size: mebibyte }));

  it("is listed as a whole", async () => {
    const options = { endpoints: etcd().endpoints, prefix: "listed/" };
    await using log = await begun(openEtcdLog(options));
    for (const { at, size } of sizes) await log.append(large(size, at));
    await using late = await begun(openEtcdLog(options));
    const found = await readAll(late);
    expect(found.map(({ entry }) => [entry[0], entry.byteLength])).toEqual(
      sizes.map(({ at, size }) => [97 + at, size]),
    );
  });

  it("comes in fragments if it was put before the watch has begun", async () => {
    const options = { endpoints: etcd().endpoints, prefix: "fragments/" };
    await using log = await begun(openEtcdLog(options));
    const watched = openWatchedLog(options);
    await using late = await begun(watched.log);
    const follower = take(reader(late), sizes.length);
    await eventually(() => watched.watches() === 1);
    for (const { at, size } of sizes) await log.append(large(size, at));
    watched.begin();
    const found = await follower;
    expect(found.map(({ entry }) => [entry[0], entry.byteLength])).toEqual(
      sizes.map(({ at, size }) => [97 + at, size]),
    );
    // Together in one answer, but for the fragments.
    const counts = watched.responses.map(({ events }) => events.length);
    expect(Math.max(...counts)).toBeLessThan(4);
  });
});
