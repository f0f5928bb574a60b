import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Contestant } from "./comparison.js";

/**
 * What a disk does for whoever makes each request durable by itself: in a file of this folder, appends so many bytes and
 * calls fdatasync, one after the other, with nothing around it. Blocks the process meanwhile.
 */
export function syncLoop(directory: string, bytes: number): Contestant & Disposable {
  const file = openSync(join(directory, "sync-loop"), "wx", 0o600);
  const chunk = Buffer.alloc(bytes, 0x5a);
  let position = 0;
  return {
    name: "syncLoop",
    measure: async (timeMs) => {
      const start = performance.now();
      let count = 0;
      let elapsedMs: number;
      do {
        writeSync(file, chunk, 0, bytes, position);
        fdatasyncSync(file);
        position += bytes;
        count += 1;
        elapsedMs = performance.now() - start;
      } while (elapsedMs < timeMs);
      return { perSecond: (count / elapsedMs) * 1_000 };
    },
    [Symbol.dispose]: () => closeSync(file),
  };
}
