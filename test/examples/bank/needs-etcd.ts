import { beforeAll, beforeEach } from "vitest";
import { hasEtcd } from "../../../examples/bank/demo/local-etcd.js";

/** Skips the tests of a file, or of one `describe`, without an etcd on the PATH; with it in QUORATE_REQUIRE they fail. */
export function needsEtcd(): void {
  const missing = hasEtcd() ? undefined : "there is no `etcd` on the PATH";
  beforeAll(() => {
    if (missing === undefined || !process.env["QUORATE_REQUIRE"]?.split(",").includes("etcd")) return;
    throw new Error(`the tests with etcd cannot run: ${missing}`);
  });
  beforeEach(({ skip }) => {
    skip(missing !== undefined, missing);
  });
}
