import { afterAll, beforeAll, beforeEach } from "vitest";
import {
  hasEtcd,
  type LocalEtcd,
  type LocalEtcdOptions,
  startEtcd,
} from "../../examples/bank/demo/local-etcd.js";

/**
 * For the tests of a file, or of one `describe`: starts an etcd cluster before them and kills it after them; returns what
 * answers with it. Options that must be made first come out of a function. Without an `etcd` on the PATH the tests are skipped, and say so; with `etcd` in QUORATE_REQUIRE they
 * fail.
 */
export function useEtcd(options: LocalEtcdOptions | (() => Promise<LocalEtcdOptions>) = {}): () => LocalEtcd {
  const missing = hasEtcd() ? undefined : "there is no `etcd` on the PATH";
  let etcd: LocalEtcd | undefined;
  beforeAll(async () => {
    if (missing === undefined) {
      etcd = await startEtcd(typeof options === "function" ? await options() : options);
      return;
    }
    const text = `the tests with etcd cannot run: ${missing}`;
    if (process.env["QUORATE_REQUIRE"]?.split(",").includes("etcd")) throw new Error(text);
    console.warn(text);
  });
  beforeEach(({ skip }) => {
    skip(missing !== undefined, missing);
  });
  afterAll(() => etcd?.close());
  return () => {
    if (etcd === undefined) throw new Error("etcd does not run");
    return etcd;
  };
}
