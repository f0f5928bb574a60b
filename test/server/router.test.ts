import { Code, connect, createServer, type Handlers, type Router } from "quorate";
import { createMemoryTransport } from "quorate/testing";
import { describe, expect, it } from "vitest";
import { collectRoutes } from "../../src/server/router.js";
import { Callback, Test } from "../gen/test/v1/test_quorate.js";
import { checkLeaks } from "../helpers/leaks.js";
import { callbackHandlers, echoHandlers } from "../helpers/test-service.js";

checkLeaks();

type AnyHandlers = Handlers<typeof Test>;
const { echoQC: _, ...withoutQC } = echoHandlers();

describe("Router", () => {
  it("takes services one after the other", async () => {
    const { routes } = await collectRoutes((router) =>
      router.service(Test, echoHandlers()).service(Callback, callbackHandlers()),
    );
    expect([...routes.keys()].sort()).toEqual([
      "test.v1.Callback.Ask",
      "test.v1.Callback.AskAll",
      "test.v1.Callback.Notify",
      "test.v1.Callback.NotifyOne",
      "test.v1.Test.EchoCorrectable",
      "test.v1.Test.EchoMulticast",
      "test.v1.Test.EchoPlain",
      "test.v1.Test.EchoQC",
      "test.v1.Test.EchoRPC",
      "test.v1.Test.EchoUnicast",
    ]);
    expect(
      [...routes.values()].filter(({ oneWay }) => oneWay).map(({ name }) => name.split(".").at(-1)),
    ).toEqual(["EchoUnicast", "EchoMulticast", "Notify", "NotifyOne"]);
  });

  it("serves nothing without a function", async () => {
    expect((await collectRoutes(undefined)).routes.size).toBe(0);
  });

  it("calls handlers as methods of what they were given in", async () => {
    class Store implements AnyHandlers {
      readonly #prefix = "store";
      echoRPC() {
        return { value: this.#prefix };
      }
      echoPlain = () => ({});
      echoQC = () => ({});
      echoUnicast = () => {};
      echoMulticast = () => {};
      echoCorrectable = () => [];
    }
    const store = new Store();
    const { routes } = await collectRoutes((router) => router.service(Test, store));
    const handle = routes.get("test.v1.Test.EchoRPC")?.handle as (
      request: unknown,
      context: unknown,
    ) => unknown;
    expect(handle({}, {})).toEqual({ value: "store" });
  });

  const misuses: [string, (router: Router) => unknown, string][] = [
    [
      "a handler that is missing",
      (router) => router.service(Test, withoutQC as AnyHandlers),
      "quorate: the handler of test.v1.Test.EchoQC is missing",
    ],
    [
      "a handler that is no function",
      (router) => router.service(Test, { ...echoHandlers(), echoQC: 5 } as unknown as AnyHandlers),
      "quorate: the handler of test.v1.Test.EchoQC is missing",
    ],
    [
      "a handler of a method that there is none of",
      (router) => router.service(Test, { ...echoHandlers(), echo: () => ({}) } as AnyHandlers),
      "quorate: test.v1.Test has no method echo to serve",
    ],
    [
      "a service twice",
      (router) => router.service(Test, echoHandlers()).service(Test, echoHandlers()),
      "quorate: the method test.v1.Test.EchoRPC is served already",
    ],
  ];

  it.each(misuses)("refuses %s, before anything is opened", async (_what, routes, message) => {
    const expected = expect.objectContaining({ code: Code.InvalidArgument, message }) as Error;
    await expect(collectRoutes(routes)).rejects.toEqual(expected);
    await expect(connect({ nodes: ["127.0.0.1:1"], routes })).rejects.toEqual(expected);
    await expect(createServer({ address: "127.0.0.1:0", routes })).rejects.toEqual(expected);
  });

  it("[W-29] takes nothing more once it is in use", async () => {
    let kept: Router | undefined;
    await using server = await createServer({
      address: "127.0.0.1:0",
      transport: createMemoryTransport(),
      routes: (router) => {
        kept = router.service(Test, echoHandlers());
      },
    });
    expect(server.address).toBe("127.0.0.1:1");
    const late = expect.objectContaining({ code: Code.FailedPrecondition });
    expect(() => kept?.service(Callback, callbackHandlers())).toThrow(late);
    expect(() => kept?.onClose(() => {})).toThrow(late);
  });

  it("does not hide what the function throws", async () => {
    const routes = () => {
      throw new RangeError("broken");
    };
    await expect(createServer({ address: "127.0.0.1:0", routes })).rejects.toThrow(new RangeError("broken"));
  });
});
