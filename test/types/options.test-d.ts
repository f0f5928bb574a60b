import {
  type ConnectOptions,
  type connect,
  type createServer,
  defineService,
  type NodeList,
  type OwnedConfiguration,
  type QuorateEvent,
  type QuorateService,
  type Server,
  type ServerOptions,
} from "quorate";
import { describe, expectTypeOf, it } from "vitest";
import { Callback as CallbackService } from "../gen/test/v1/test_pb.js";

describe("NodeList", () => {
  it("takes addresses, or addresses by id", () => {
    expectTypeOf<string[]>().toExtend<NodeList>();
    expectTypeOf<readonly ["127.0.0.1:1", "127.0.0.1:2"]>().toExtend<NodeList>();
    expectTypeOf<{ 1: string; 2: string }>().toExtend<NodeList>();
    expectTypeOf<Record<number, string>>().toExtend<NodeList>();
    expectTypeOf<Map<number, string>>().toExtend<NodeList>();
    expectTypeOf<ReadonlyMap<number, string>>().toExtend<NodeList>();
  });

  it("refuses anything else", () => {
    expectTypeOf<string>().not.toExtend<NodeList>();
    expectTypeOf<number[]>().not.toExtend<NodeList>();
    expectTypeOf<Map<string, string>>().not.toExtend<NodeList>();
    expectTypeOf<{ 1: number }>().not.toExtend<NodeList>();
    expectTypeOf<undefined>().not.toExtend<NodeList>();
  });
});

describe("options", () => {
  it("of connect need nodes, and know no others than their own", () => {
    expectTypeOf<typeof connect>().returns.toEqualTypeOf<Promise<OwnedConfiguration>>();
    expectTypeOf<{ nodes: string[] }>().toExtend<ConnectOptions>();
    // @ts-expect-error -- Nodes are needed.
    const none: ConnectOptions = {};
    // @ts-expect-error -- There is no such option.
    const unknown: ConnectOptions = { nodes: [], timeout: 5 };
    // @ts-expect-error -- This one is for servers.
    const ofServers: ConnectOptions = { nodes: [], nodeId: 1 };
    void [none, unknown, ofServers];
  });

  it("of createServer know no others than their own", () => {
    expectTypeOf<typeof createServer>().returns.toEqualTypeOf<Promise<Server>>();
    const replica: ServerOptions = { nodes: { 1: "127.0.0.1:1" }, nodeId: 1 };
    // @ts-expect-error -- This one is for clients.
    const ofClients: ServerOptions = { address: "127.0.0.1:0", metadata: {} };
    // @ts-expect-error -- An id is a number.
    const textual: ServerOptions = { nodes: ["127.0.0.1:1"], nodeId: "1" };
    void [replica, ofClients, textual];
  });

  it("see events by their kind", () => {
    const see = (event: QuorateEvent) => {
      // @ts-expect-error -- Not every event has one.
      void event.retryMs;
      return event.kind === "connectFailed" ? event.retryMs : undefined;
    };
    expectTypeOf(see).returns.toEqualTypeOf<number | undefined>();
  });
});

it("a table of a service names every method with a call type that there is", () => {
  const service = defineService(CallbackService, {
    notify: "multicast",
    notifyOne: "unicast",
    ask: "rpc",
    askAll: "quorumCall",
  });
  expectTypeOf(service).toExtend<QuorateService>();
  expectTypeOf(service.callTypes.ask).toEqualTypeOf<"rpc">();
  // @ts-expect-error -- Methods are missing.
  defineService(CallbackService, { notify: "multicast" });
  // @ts-expect-error -- There is no such call type.
  defineService(CallbackService, { notify: "all", notifyOne: "unicast", ask: "rpc", askAll: "quorumCall" });
});
