import { type ClientInterceptor, Code, createClient } from "quorate";
import { createLocalCluster } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { rejectionOf } from "../calls/held-cluster.js";
import { Test } from "../gen/test/v1/test_quorate.js";
import { checkLeaks } from "../helpers/leaks.js";
import { echoHandlers } from "../helpers/test-service.js";
import { failOnUnhandled } from "../helpers/unhandled.js";

checkLeaks();
failOnUnhandled();

describe("an interceptor whose types were not checked", () => {
  it.each<[unknown, "fulfilled" | "rejected"]>([
    [5, "rejected"],
    ["reply", "rejected"],
    [{}, "rejected"],
    [[], "rejected"],
    [{ ok: false }, "rejected"],
    [{ ok: false, error: "no" }, "rejected"],
    [{ ok: 1 }, "rejected"],
    // Of a one-way call there is no value that could be missing.
    [{ ok: true }, "fulfilled"],
  ])(
    "[W-17] fails the nodes of which it makes %j, and ends neither the process nor leaves a call open",
    async (wrong, oneWay) => {
      await using cluster = await createLocalCluster(3, {
        routes: (router, node) => router.service(Test, echoHandlers(node)),
      });
      const client = await cluster.connect();
      const interceptor: ClientInterceptor = () => ({ response: () => wrong as never });
      const interceptors = [interceptor as never];
      const all = createClient(Test, client, { interceptors });
      const one = createClient(Test, client.node(1), { interceptors });
      const patient = { timeoutMs: Number.POSITIVE_INFINITY };
      const failed = await Promise.all(
        [
          one.echoRPC({}, patient),
          all.echoQC({}, patient).first(),
          all.echoQC({}, patient).majority(),
          all.echoCorrectable({}, patient).correctable(1).result(),
        ].map(rejectionOf),
      );
      expect(failed.map(({ name }) => name)).toEqual([
        "QuorateError",
        "QuorumCallError",
        "QuorumCallError",
        "QuorumCallError",
      ]);
      const told = await Promise.allSettled([one.echoUnicast({}, patient), all.echoMulticast({}, patient)]);
      expect(told.map(({ status }) => status)).toEqual([oneWay, oneWay]);
      const responses = await all.echoQC({}, patient).collect();
      expect([...responses.values()].map((response) => !response.ok && response.error.code)).toEqual(
        [1, 2, 3].map(() => Code.InvalidArgument),
      );
    },
  );
});
