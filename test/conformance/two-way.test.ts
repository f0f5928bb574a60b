import { create } from "@bufbuild/protobuf";
import { anyPack, EmptySchema } from "@bufbuild/protobuf/wkt";
import { Code, type Connection, createClient, QuorateError, QuorumCallError } from "quorate";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { EchoRequestSchema, EchoResponseSchema } from "../gen/test/v1/test_pb.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { checkLeaks } from "../helpers/leaks.js";
import { failureOf, nodeAt, twoWayKinds } from "./kinds.js";
import { type Stage, transports, ways } from "./stages.js";

checkLeaks();

/** A message whose first field says that it is longer than the message. */
const undecodable = [{ no: 1, wireType: 2, data: Uint8Array.of(0xff, 0x01) }];

const failures: readonly {
  readonly name: string;
  readonly thrown: unknown;
  readonly expected: Partial<QuorateError>;
}[] = [
  {
    name: "[RPC-06] a QuorateError with its code, reason and details",
    thrown: new QuorateError(Code.NotFound, "no such key", {
      reason: "NO_KEY",
      details: [anyPack(EmptySchema, create(EmptySchema))],
    }),
    expected: { code: Code.NotFound, message: "no such key", reason: "NO_KEY" },
  },
  {
    name: "[ER-08] a plain error as Unknown, with its text",
    thrown: new Error("disk full"),
    expected: { code: Code.Unknown, message: "disk full", reason: undefined },
  },
  {
    name: "[SI-08] an error that wraps a status with the code of that and its own text",
    thrown: new Error("outer", { cause: new QuorateError(Code.Aborted, "inner", { reason: "INNER" }) }),
    expected: { code: Code.Aborted, message: "outer", reason: "INNER" },
  },
  {
    name: "a value that is no error as Unknown, with its text",
    thrown: "a string",
    expected: { code: Code.Unknown, message: "a string" },
  },
  {
    name: "[F-11] code Ok as Unknown, because Ok would be success",
    thrown: new QuorateError(Code.Ok, "fine"),
    expected: { code: Code.Unknown, message: "fine" },
  },
];

describe.each(transports)("on %s", (transport) => {
  describe.each(ways)("$name", (way) => {
    let stage: Stage;
    beforeAll(async () => {
      stage = await way.open(transport);
    });
    afterAll(() => stage[Symbol.asyncDispose]());

    describe.each(twoWayKinds)("$name", (kind) => {
      it("[RPC-01] yields the replies", async () => {
        stage.handle = ({ value }, _, server) => ({ value: `echo: ${value}`, server });
        const replies = await stage.run((targets) => kind.call(targets, { value: "test" }));
        const nodes = replies.map(({ server }) => server).sort((a, b) => a - b);
        expect(nodes).toEqual(
          kind.name === "a quorum call" ? [1, 2, 3] : kind.name.includes("first") ? [1] : [3],
        );
        expect(new Set(replies.map(({ value }) => value))).toEqual(new Set(["echo: test"]));
      });

      it("[RPC-07] yields the empty message for a handler that returns nothing", async () => {
        stage.handle = () => undefined;
        const [reply] = await stage.run((targets) => kind.call(targets, { value: "x" }));
        expect(reply).toEqual(create(EchoResponseSchema));
      });

      it.each(failures)("fails with $name", async ({ thrown, expected }) => {
        stage.handle = async () => {
          // oxlint-disable-next-line typescript/only-throw-error -- Handlers may.
          throw thrown;
        };
        const error = await failureOf(stage.run((targets) => kind.call(targets, {})));
        expect(error).toMatchObject(expected);
        expect(error.findDetails(EmptySchema)).toHaveLength(expected.reason === "NO_KEY" ? 1 : 0);
      });

      it("fails with what a handler throws at once", async () => {
        stage.handle = () => {
          throw new QuorateError(Code.DataLoss, "gone");
        };
        const error = await failureOf(stage.run((targets) => kind.call(targets, {})));
        expect(error).toMatchObject({ code: Code.DataLoss, message: "gone" });
      });

      it("[SI-10] [F-14] fails with the decoding error for a request that does not decode", async () => {
        const handle = vi.fn<() => object>(() => ({}));
        stage.handle = handle;
        const request = create(EchoRequestSchema);
        request.$unknown = undecodable;
        const error = await failureOf(stage.run((targets) => kind.call(targets, request)));
        expect(error).toMatchObject({ code: Code.Unknown });
        expect(error.message).toMatch(/^gorums: could not unmarshal request: /);
        expect(handle).not.toHaveBeenCalled();
        // The stream lives on.
        await expect(stage.run((targets) => kind.call(targets, {}))).resolves.toHaveLength(
          kind.name === "a quorum call" ? 3 : 1,
        );
      });

      it("[IT-11] fails with the decoding error for a reply that does not decode", async () => {
        stage.handle = () => {
          const reply = create(EchoResponseSchema);
          reply.$unknown = undecodable;
          return reply;
        };
        const error = await failureOf(stage.run((targets) => kind.call(targets, {})));
        expect(error).toMatchObject({ code: Code.Internal });
        expect(error.message).toMatch(/^quorate: could not unmarshal response of test\.v1\.Test\.Echo/);
      });

      it("[SI-07] fails with an error in place of a reply that cannot be encoded", async () => {
        const connections = new Set<Connection>();
        let reply: object = { server: "not a number" };
        stage.handle = (_, { connection }) => {
          connections.add(connection);
          return reply;
        };
        const error = await failureOf(stage.run((targets) => kind.call(targets, {})));
        expect(error).toMatchObject({ code: Code.Internal });
        expect(error.message).toMatch(/the reply of test\.v1\.Test\.Echo\w+ cannot be encoded/);
        // The streams live on.
        reply = {};
        const { length } = await stage.run((targets) => kind.call(targets, {}));
        expect(connections.size).toBe(length);
        for (const { closed } of connections) expect(closed.aborted).toBe(false);
      });

      it("[CX-02] fails with DeadlineExceeded at the deadline, and ends the handler's signal", async () => {
        const reasons: unknown[] = [];
        stage.handle = (_, { signal }) => {
          return new Promise((resolve) => {
            signal.addEventListener("abort", () => {
              reasons.push(signal.reason);
              resolve({});
            });
          });
        };
        const error = await failureOf(
          stage.run(async (targets) => {
            const startedAt = performance.now();
            await kind.call(targets, {}, { timeoutMs: 40 }).finally(() => {
              expect(performance.now() - startedAt).toBeGreaterThanOrEqual(39);
            });
          }),
        );
        expect(error.code).toBe(Code.DeadlineExceeded);
        await vi.waitFor(() => expect(reasons).toHaveLength(kind.name === "a quorum call" ? 3 : 1));
        expect(reasons[0]).toMatchObject({ code: Code.DeadlineExceeded });
      });

      it("hands the deadline on to the handler", async () => {
        stage.handle = (_, context) => ({ value: String(context.remainingMs()) });
        const left = async (timeoutMs: number) => {
          const [reply] = await stage.run((targets) => kind.call(targets, {}, { timeoutMs }));
          return Number(reply?.value);
        };
        const leftMs = await left(60_000);
        expect(leftMs).toBeGreaterThan(40_000);
        expect(leftMs).toBeLessThanOrEqual(60_000);
        expect(await left(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
      });

      it.each([
        ["[RPC-03] a deadline that has passed", () => ({ timeoutMs: 0 }), Code.DeadlineExceeded],
        ["[CX-01] a signal that has ended", () => ({ signal: AbortSignal.abort() }), Code.Canceled],
      ])("is not sent with %s", async (_, options, code) => {
        const handle = vi.fn<() => object>(() => ({}));
        stage.handle = handle;
        const error = await failureOf(stage.run((targets) => kind.call(targets, {}, options())));
        expect(error.code).toBe(code);
        // What is sent next arrives behind what would have been sent.
        await stage.run((targets) => kind.call(targets, {}));
        expect(handle).toHaveBeenCalledTimes(kind.name === "a quorum call" ? 3 : 1);
      });

      it.each([
        ["a plain reason", () => new Error("enough"), { code: Code.Canceled }],
        [
          "a QuorateError",
          () => new QuorateError(Code.Aborted, "lost", { reason: "LOST" }),
          { code: Code.Aborted, reason: "LOST", message: "lost" },
        ],
        [
          "a time-out of its own",
          () => new DOMException("late", "TimeoutError"),
          { code: Code.DeadlineExceeded },
        ],
      ])("ends with its signal, whose reason is %s, and so does the handler", async (_, reason, expected) => {
        const ended: unknown[] = [];
        const controller = new AbortController();
        stage.handle = (_request, { signal }) => {
          return new Promise((resolve) => {
            signal.addEventListener("abort", () => {
              ended.push(signal.reason);
              resolve({});
            });
            controller.abort(reason());
          });
        };
        const { signal } = controller;
        const error = await failureOf(stage.run((targets) => kind.call(targets, {}, { signal })));
        expect(error).toMatchObject(expected);
        await vi.waitFor(() => expect(ended.length).toBeGreaterThan(0));
        expect(ended[0]).toMatchObject({ code: Code.Canceled });
      });

      it("ends with DeadlineExceeded at AbortSignal.timeout", async () => {
        stage.handle = (_, { signal }) =>
          new Promise((resolve) => signal.addEventListener("abort", () => resolve({})));
        const call = stage.run((targets) => kind.call(targets, {}, { signal: AbortSignal.timeout(20) }));
        expect((await failureOf(call)).code).toBe(Code.DeadlineExceeded);
      });

      it("[MD-05] shows the handler the stream's metadata, then the call's", async () => {
        stage.handle = (_, { metadata }) => ({ value: metadata.getAll("key").join() });
        const metadata = { Key: ["call 1", "call 2"], other: "ä" };
        const replies = await stage.run((targets) => kind.call(targets, {}, { metadata }));
        const expected = [...stage.streamMetadata, "call 1", "call 2"].join();
        expect(new Set(replies.map(({ value }) => value))).toEqual(new Set([expected]));
      });

      it.each([{ timeoutMs: -1 }, { timeoutMs: Number.NaN }, { metadata: { "": "x" } }])(
        "fails with InvalidArgument for the options %j",
        async (options) => {
          const error = await failureOf(stage.run((targets) => kind.call(targets, {}, options)));
          expect(error.code).toBe(Code.InvalidArgument);
        },
      );

      it("fails alone with ResourceExhausted if it is too large", async () => {
        stage.handle = () => ({});
        const value = "x".repeat(4 * 1024 * 1024);
        const error = await failureOf(stage.run((targets) => kind.call(targets, { value })));
        expect(error).toMatchObject({ code: Code.ResourceExhausted, reason: "MESSAGE_TOO_LARGE" });
        stage.handle = () => ({ value });
        const large = await failureOf(stage.run((targets) => kind.call(targets, {})));
        expect(large).toMatchObject({ code: Code.ResourceExhausted, reason: "MESSAGE_TOO_LARGE" });
      });
    });

    it("[RPC-09] [F-13] fails with Unimplemented for a method that nobody serves", async () => {
      const one = await failureOf(
        stage.run((targets) => createClient(Callback, nodeAt(targets, -1)).ask({ value: "x" })),
      );
      expect(one).toMatchObject({
        code: Code.Unimplemented,
        message: "no handler registered for method test.v1.Callback.Ask",
      });
      const all = await stage
        .run((targets) => createClient(Callback, targets).askAll({}).all())
        .catch((error: unknown) => error);
      expect(all).toBeInstanceOf(QuorumCallError);
      expect(all).toMatchObject({ code: Code.Unimplemented, reason: "INCOMPLETE" });
    });

    it("fails with FailedPrecondition on a configuration without nodes", async () => {
      const error = await failureOf(
        stage.run((targets) =>
          createClient(Test, targets.without(...targets))
            .echoQC({})
            .all(),
        ),
      );
      expect(error).toMatchObject({ code: Code.FailedPrecondition, reason: "EMPTY_CONFIGURATION" });
    });

    it("leaves nothing pending", async () => {
      expect(stage.targets.nodes.map((node) => node.pendingCalls)).toEqual([0, 0, 0]);
    });
  });

  it.each(ways)("masks the texts of plain errors, if told so, in $name", async (way) => {
    await using stage = await way.open(transport, { maskErrors: true });
    for (const kind of twoWayKinds) {
      stage.handle = () => Promise.reject(new Error("password is 1234"));
      const hidden = await failureOf(stage.run((targets) => kind.call(targets, {})));
      expect(hidden).toMatchObject({ code: Code.Unknown, message: "the handler failed" });
      stage.handle = () => Promise.reject(new QuorateError(Code.NotFound, "no such key"));
      const shown = await failureOf(stage.run((targets) => kind.call(targets, {})));
      expect(shown).toMatchObject({ code: Code.NotFound, message: "no such key" });
    }
  });
});
