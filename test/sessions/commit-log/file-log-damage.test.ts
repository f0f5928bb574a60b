import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { crc32c } from "../../../src/sessions/commit-log/crc32c.js";
import { fileHeaderBytes } from "../../../src/sessions/commit-log/file-header.js";
import { openFileLog } from "../../../src/sessions/commit-log/file-log.js";
import { encodeFrame } from "../../../src/sessions/commit-log/frame.js";
import { LogCorrupt } from "../../../src/sessions/commit-log/log-errors.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { seededRandom } from "../../helpers/seeded-random.js";
import { appendAll, begun, bytes, readTexts, texts } from "./log-helpers.js";
import { SimulatedDisk } from "./simulated-disk.js";

checkLeaks();

const segment = "segment-0000000000000001";
const second = "segment-0000000000000004";

interface Written {
  readonly disk: SimulatedDisk;
  /** Where the frames of the last segment begin, and its end. */
  readonly frames: readonly number[];
}

/** A log of `frames` frames of two entries, with a snapshot at op 1; `split` gives the first three a segment. */
async function write(frames: number, { split = false } = {}): Promise<Written> {
  const disk = new SimulatedDisk();
  const log = await begun(await openFileLog({ directory: "/log", segmentBytes: split ? 150 : 10_000 }, disk));
  const starts: number[] = [];
  const last = split ? second : segment;
  for (let frame = 0; frame < frames; frame++) {
    starts.push(Math.max(fileHeaderBytes, disk.bytesOf(last).length));
    await appendAll(log, texts(2, frame * 2 + 1));
  }
  await log.saveSnapshot(1, bytes("the state at 1"));
  await log.close();
  return { disk, frames: [...starts, disk.bytesOf(last).length] };
}

/** The same files, but one. */
function withFile(disk: SimulatedDisk, name: string, contents: Buffer | undefined): SimulatedDisk {
  const next = new SimulatedDisk();
  for (const each of disk.names) if (each !== name) next.put(each, disk.bytesOf(each));
  if (contents !== undefined) next.put(name, contents);
  return next;
}

function flipped(contents: Buffer, bit: number): Buffer {
  const copy = Buffer.from(contents);
  copy.writeUInt8((copy[bit >> 3] ?? 0) ^ (1 << (bit & 7)), bit >> 3);
  return copy;
}

/** Opens the log; resolves with its entries, or with the damage that is found. */
async function open(
  disk: SimulatedDisk,
): Promise<string[] | { readonly file: string; readonly offset: number }> {
  try {
    const log = await begun(await openFileLog({ directory: "/log" }, disk));
    const entries = await readTexts(log);
    await appendAll(log, ["more"]);
    await log.close();
    const again = await begun(await openFileLog({ directory: "/log" }, disk));
    expect(await readTexts(again)).toEqual([...entries, "more"]);
    await again.close();
    return entries;
  } catch (error) {
    if (!(error instanceof LogCorrupt)) throw error;
    const { file, offset, code, reason, message } = error;
    const isNamed = message.includes(`${file} of the log is damaged at byte ${offset}:`);
    if (code !== Code.DataLoss || reason !== "LOG_CORRUPT" || !isNamed) throw error;
    return { file, offset };
  } finally {
    expect(disk.openFiles).toBe(0);
  }
}

describe("a file log whose last frame is torn", () => {
  it("cuts it off, wherever it ends", async () => {
    const { disk, frames } = await write(4);
    const whole = disk.bytesOf(segment);
    const lastFrame = frames[3] ?? 0;
    for (let length = lastFrame; length < whole.length; length++) {
      expect(await open(withFile(disk, segment, whole.subarray(0, length))), `${length}`).toEqual(texts(6));
    }
    expect(await open(withFile(disk, segment, whole))).toEqual(texts(8));
    const torn = withFile(disk, segment, whole.subarray(0, whole.length - 1));
    await (await openFileLog({ directory: "/log" }, torn)).close();
    expect(torn.bytesOf(segment)).toEqual(whole.subarray(0, lastFrame));
  });

  it("cuts it off where parts of it are zeroes or garbage", async () => {
    const { disk, frames } = await write(4);
    const whole = disk.bytesOf(segment);
    const lastFrame = frames[3] ?? 0;
    const random = seededRandom(3);
    for (let at = lastFrame; at < whole.length; at++) {
      const zeroes = Buffer.from(whole).fill(0, at);
      expect(zeroes).not.toEqual(whole);
      expect(await open(withFile(disk, segment, zeroes))).toEqual(texts(6));
      const garbage = Buffer.from(whole);
      for (let byte = at; byte < whole.length; byte++)
        garbage[byte] = (garbage[byte] ?? 0) ^ (1 + 254 * random());
      expect(await open(withFile(disk, segment, garbage))).toEqual(texts(6));
    }
  });

  it("takes a bit that was turned inside of it for a torn frame", async () => {
    const { disk, frames } = await write(4);
    const whole = disk.bytesOf(segment);
    for (let bit = (frames[3] ?? 0) * 8; bit < whole.length * 8; bit++) {
      expect(await open(withFile(disk, segment, flipped(whole, bit))), `${bit}`).toEqual(texts(6));
    }
  });

  it.each([1, 3, 4, 27, 28, 29, 64, 4096, 70_000])(
    "cuts off %d zeroes or other bytes at the end",
    async (length) => {
      const { disk } = await write(3);
      const whole = disk.bytesOf(segment);
      expect(await open(withFile(disk, segment, Buffer.concat([whole, Buffer.alloc(length)])))).toEqual(
        texts(6),
      );
      const other = Buffer.from(Array.from({ length }, (_, at) => (at * 7 + 1) % 256));
      expect(await open(withFile(disk, segment, Buffer.concat([whole, other])))).toEqual(texts(6));
    },
  );

  it("is not misled by frames that a client has put into an entry", async () => {
    const disk = new SimulatedDisk();
    const log = await begun(await openFileLog({ directory: "/log" }, disk));
    await appendAll(log, ["e1"]);
    const forged = encodeFrame({ batch: 3, firstOp: 3, entries: [bytes("forged")] }, 0);
    await log.append(Buffer.concat([forged, forged]));
    await log.close();
    const whole = disk.bytesOf(segment);
    for (const cut of [1, 10, 40]) {
      expect(await open(withFile(disk, segment, whole.subarray(0, whole.length - cut)))).toEqual(["e1"]);
    }
  });
});

describe("a file log that is damaged inside", () => {
  it("names file and offset for every bit before the last frame", async () => {
    const { disk, frames } = await write(4);
    const whole = disk.bytesOf(segment);
    for (let bit = 0; bit < (frames[3] ?? 0) * 8; bit++) {
      const offset = frames.findLast((start) => start <= bit >> 3) ?? 0;
      expect(await open(withFile(disk, segment, flipped(whole, bit))), `${bit}`).toEqual({
        file: segment,
        offset,
      });
    }
  });

  it("names file and offset for every bit of a segment that is not the last", async () => {
    const { disk } = await write(5, { split: true });
    expect(disk.names).toContain(second);
    const whole = disk.bytesOf(segment);
    for (let bit = 0; bit < whole.length * 8; bit++) {
      expect(await open(withFile(disk, segment, flipped(whole, bit))), `${bit}`).toMatchObject({
        file: segment,
      });
    }
    for (let length = fileHeaderBytes; length < whole.length; length++) {
      const cut = withFile(disk, segment, whole.subarray(0, length));
      expect(await open(cut), `${length}`).toMatchObject({ file: segment });
    }
  });

  it.each(["genesis", "snapshot"])("names the %s for every bit and every cut", async (file) => {
    const { disk } = await write(2);
    const whole = disk.bytesOf(file);
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const offset = bit >> 3 < fileHeaderBytes ? 0 : fileHeaderBytes;
      expect(await open(withFile(disk, file, flipped(whole, bit))), `${bit}`).toEqual({ file, offset });
    }
    for (let length = 0; length < whole.length; length++) {
      const offset = length < fileHeaderBytes ? 0 : length;
      expect(await open(withFile(disk, file, whole.subarray(0, length)))).toEqual({ file, offset });
    }
    const longer = withFile(disk, file, Buffer.concat([whole, Buffer.from("x")]));
    expect(await open(longer)).toEqual({ file, offset: whole.length });
  });

  it("names what is missing of genesis, first segment and one in the middle", async () => {
    const { disk } = await write(8, { split: true });
    const third = "segment-0000000000000007";
    expect(disk.names).toEqual(["genesis", segment, second, third, "snapshot"].sort());
    expect(await open(withFile(disk, "genesis", undefined))).toEqual({ file: "genesis", offset: 0 });
    expect(await open(withFile(disk, segment, undefined))).toEqual({ file: "genesis", offset: 0 });
    const end = disk.bytesOf(segment).length;
    expect(await open(withFile(disk, second, undefined))).toEqual({ file: segment, offset: end });
  });

  it("does not take files of another log", async () => {
    const { disk } = await write(2);
    const { disk: other } = await write(2);
    for (const file of [segment, "snapshot"]) {
      expect(await open(withFile(disk, file, other.bytesOf(file)))).toEqual({ file, offset: 0 });
    }
  });

  it("does not take a file for one of another kind or batch", async () => {
    const { disk } = await write(2);
    expect(await open(withFile(disk, "snapshot", disk.bytesOf("genesis")))).toEqual({
      file: "snapshot",
      offset: 0,
    });
    const renamed = withFile(withFile(disk, segment, undefined), second, disk.bytesOf(segment));
    expect(await open(renamed)).toEqual({ file: second, offset: 0 });
  });

  it.each([
    { what: "batch", batch: 2, firstOp: 5 },
    { what: "batch", batch: 4, firstOp: 5 },
    { what: "op", batch: 3, firstOp: 4 },
    { what: "op", batch: 3, firstOp: 6 },
  ])("has a whole frame of another $what at its end: $batch, $firstOp", async ({ batch, firstOp }) => {
    const { disk } = await write(2);
    const whole = disk.bytesOf(segment);
    const salt = whole.readUInt32LE(56);
    const frame = (at: number, op: number) =>
      encodeFrame({ batch: at, firstOp: op, entries: [bytes("e5")] }, salt);
    const added = (bytesOf: Buffer) => withFile(disk, segment, Buffer.concat([whole, bytesOf]));
    expect(await open(added(frame(3, 5)))).toEqual(texts(5));
    expect(await open(added(frame(batch, firstOp)))).toEqual({ file: segment, offset: whole.length });
  });

  it("ends before its snapshot", async () => {
    const disk = new SimulatedDisk();
    const log = await begun(await openFileLog({ directory: "/log" }, disk));
    await appendAll(log, ["e1"]);
    const length = disk.bytesOf(segment).length;
    await appendAll(log, ["e2"]);
    await log.saveSnapshot(2, bytes("two"));
    await log.close();
    const cut = withFile(disk, segment, disk.bytesOf(segment).subarray(0, length));
    expect(await open(cut)).toEqual({ file: segment, offset: length });
  });

  it("says so of files of another version of the format", async () => {
    const { disk } = await write(1);
    for (const file of disk.names) {
      const contents = Buffer.from(disk.bytesOf(file));
      contents.writeUInt16LE(2, 8);
      contents.writeUInt32LE(crc32c(contents.subarray(0, 60)), 60);
      await expect(open(withFile(disk, file, contents))).rejects.toMatchObject({
        code: Code.FailedPrecondition,
        reason: "LOG_FORMAT",
        message: expect.stringContaining(`${file} of the log has version 2`),
      });
    }
  });
});
