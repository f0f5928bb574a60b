import { create } from "@bufbuild/protobuf";
import { Code, createClient, QuorateError } from "quorate";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { EchoRequestSchema } from "../gen/test/v1/test_pb.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { eventually } from "../helpers/eventually.js";
import { checkLeaks } from "../helpers/leaks.js";
import { failureOf, nodeAt, oneWayKinds } from "./kinds.js";
import { type Stage, transports, ways } from "./stages.js";

checkLeaks();

describe.each(transports)("on %s", (transport) => {
  describe.each(ways)("$name", (way) => {
    let stage: Stage;
    let received: string[];
    beforeAll(async () => {
      stage = await way.open(transport);
    });
    afterAll(() => stage[Symbol.asyncDispose]());
    afterEach(async () => {
      // Behind everything that the test has sent and did not wait for.
      await createClient(Test, stage.targets).echoQC({}).all();
    });

    describe.each(oneWayKinds)("$name", (kind) => {
      /** Has the nodes note what they receive; resolves once they have received a last message. */
      const listen = () => {
        received = [];
        stage.handle = ({ value }, _, node) => received.push(`${value} at ${node}`);
      };
      const allIsReceived = async () => {
        await stage.run((targets) => kind.call(targets, { value: "last" }));
        await eventually(() => received.filter((one) => one.startsWith("last")).length === kind.reaches);
        return received.filter((one) => !one.startsWith("last")).sort();
      };

      it.each([{}, { ignoreErrors: true }, { waitForReady: true }])(
        "[UC-01] [UC-02] reaches each node once, in order, with %j",
        async (options) => {
          listen();
          await stage.run(async (targets) => {
            for (let i = 0; i < 50; i++) await kind.call(targets, { value: String(i) }, options);
          });
          await allIsReceived();
          const nodes = [...new Set(received.map((one) => one.split(" at ")[1]))];
          expect(nodes).toHaveLength(kind.reaches);
          for (const node of nodes) {
            const values = received
              .filter((one) => one.endsWith(` at ${node}`))
              .map((one) => one.split(" at ")[0]);
            expect(values).toEqual([...Array.from({ length: 50 }, (_, i) => String(i)), "last"]);
          }
        },
      );

      it("resolves without waiting for the handlers", async () => {
        let release: (() => void) | undefined;
        const gate = new Promise<void>((resolve) => {
          release = resolve;
        });
        let entered = 0;
        let left = 0;
        stage.handle = async () => {
          entered += 1;
          await gate;
          left += 1;
        };
        await stage.run((targets) => kind.call(targets, {}));
        await eventually(() => entered === kind.reaches);
        expect(left).toBe(0);
        release?.();
        await eventually(() => left === kind.reaches);
      });

      it("[F-15] keeps what handlers throw from its caller, and makes it an event", async () => {
        stage.events.length = 0;
        listen();
        const note = stage.handle;
        stage.handle = (request, context, node) => {
          if (request.value !== "bad") return note(request, context, node);
          throw new QuorateError(Code.DataLoss, "lost", { reason: "LOST" });
        };
        await expect(stage.run((targets) => kind.call(targets, { value: "bad" }))).resolves.toBeUndefined();
        expect(await allIsReceived()).toEqual([]);
        const failed = stage.events.filter((event) => event.kind === "handlerFailed");
        expect(failed).toHaveLength(kind.reaches);
        expect(failed[0]).toMatchObject({ error: { code: Code.DataLoss, reason: "LOST" } });
        expect(stage.events.filter((event) => event.kind === "lateReply")).toEqual([]);
      });

      it("[F-14] drops a request that does not decode, and the stream lives on", async () => {
        const request = create(EchoRequestSchema);
        request.$unknown = [{ no: 1, wireType: 2, data: Uint8Array.of(0xff, 0x01) }];
        listen();
        await stage.run((targets) => kind.call(targets, request));
        expect(await allIsReceived()).toEqual([]);
      });

      it.each([
        ["a deadline that has passed", () => ({ timeoutMs: 0 }), Code.DeadlineExceeded],
        ["a signal that has ended", () => ({ signal: AbortSignal.abort() }), Code.Canceled],
        [
          "a signal whose reason is a QuorateError",
          () => ({ signal: AbortSignal.abort(new QuorateError(Code.Aborted, "x")) }),
          Code.Aborted,
        ],
      ])("is not sent with %s", async (_, options, code) => {
        listen();
        const error = await failureOf(stage.run((targets) => kind.call(targets, {}, options())));
        expect(error.code).toBe(code);
        await expect(
          stage.run((targets) => kind.call(targets, {}, { ...options(), ignoreErrors: true })),
        ).resolves.toBeUndefined();
        expect(await allIsReceived()).toEqual([]);
      });

      it("[MD-05] shows the handler the stream's metadata, then the call's", async () => {
        const seen = new Set<string>();
        stage.handle = (_, { metadata }) => seen.add(metadata.getAll("key").join());
        await stage.run((targets) => kind.call(targets, {}, { metadata: { key: "call" } }));
        await eventually(() => seen.size > 0);
        expect([...seen]).toEqual([[...stage.streamMetadata, "call"].join()]);
      });

      it("hands its deadline on", async () => {
        const seen: number[] = [];
        stage.handle = (_, context) => seen.push(context.remainingMs());
        await stage.run((targets) => kind.call(targets, {}, { timeoutMs: 60_000 }));
        await eventually(() => seen.length === kind.reaches);
        for (const leftMs of seen) {
          expect(leftMs).toBeGreaterThan(40_000);
          expect(leftMs).toBeLessThanOrEqual(60_000);
        }
      });

      it.each([{ timeoutMs: -1 }, { metadata: { "": "x" } }])(
        "fails with InvalidArgument for the options %j",
        async (options) => {
          const error = await failureOf(stage.run((targets) => kind.call(targets, {}, options)));
          expect(error.code).toBe(Code.InvalidArgument);
        },
      );

      it("fails with ResourceExhausted if it is too large", async () => {
        const value = "x".repeat(4 * 1024 * 1024);
        const error = await failureOf(stage.run((targets) => kind.call(targets, { value })));
        expect(error).toMatchObject({ code: Code.ResourceExhausted, reason: "MESSAGE_TOO_LARGE" });
      });

      it("[UC-06] leaves nothing pending", async () => {
        listen();
        await stage.run(async (targets) => {
          const calls = Array.from({ length: 200 }, (_, i) =>
            kind.call(targets, { value: String(i) }, { ignoreErrors: i % 2 === 0 }),
          );
          await Promise.all(calls);
        });
        expect(await allIsReceived()).toHaveLength(200 * kind.reaches);
        expect(stage.targets.nodes.map((node) => node.pendingCalls)).toEqual([0, 0, 0]);
      });
    });

    it("[F-13] resolves for a method that nobody serves; the answer is dropped", async () => {
      const answered = vi.fn<() => void>();
      await stage.run(async (targets) => {
        await createClient(Callback, targets).notify({ number: 1 }).then(answered);
        await createClient(Callback, nodeAt(targets, -1)).notifyOne({ number: 1 }).then(answered);
      });
      expect(answered).toHaveBeenCalledTimes(2);
    });

    it("resolves on a configuration without nodes", async () => {
      await expect(
        stage.run((targets) => createClient(Test, targets.difference(targets)).echoMulticast({})),
      ).resolves.toBeUndefined();
    });
  });
});
