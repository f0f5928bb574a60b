import {
  byId,
  byLastError,
  byLatency,
  Code,
  type Configuration,
  type ErrorMatch,
  type Node,
  type NodeErrors,
  type NodeOrder,
  type OwnedConfiguration,
  type QuorateError,
  type QuorumCallError,
} from "quorate";
import { describe, expectTypeOf, it } from "vitest";

describe("Configuration", () => {
  it("is closed and extended only where it was connected", () => {
    expectTypeOf<OwnedConfiguration>().toHaveProperty("extend");
    expectTypeOf<OwnedConfiguration>().toHaveProperty("close");
    expectTypeOf<Configuration>().not.toHaveProperty("extend");
    expectTypeOf<Configuration>().not.toHaveProperty("close");
    expectTypeOf<OwnedConfiguration["without"]>().not.toExtend<() => OwnedConfiguration>();
    expectTypeOf<OwnedConfiguration["extend"]>().not.toExtend<() => Promise<OwnedConfiguration>>();
  });

  it("adds nodes, and no ids, for which there would be no pool to look them up in", () => {
    expectTypeOf<Configuration["add"]>().toExtend<(one: Node, other: Node) => Configuration>();
    expectTypeOf<Configuration["add"]>().not.toExtend<(id: number) => Configuration>();
    expectTypeOf<Configuration["only"]>().toExtend<(id: number, node: Node) => Configuration>();
  });

  it("is sorted by comparators, ours and those of users", () => {
    for (const order of [byId, byLastError, byLatency, (a: Node, b: Node) => b.id - a.id]) {
      expectTypeOf(order).toExtend<NodeOrder>();
    }
    expectTypeOf<(node: Node) => number>().toExtend<NodeOrder>();
    expectTypeOf<(a: string, b: string) => number>().not.toExtend<NodeOrder>();
  });

  it("takes the errors of a quorum call", () => {
    expectTypeOf<QuorumCallError>().toExtend<NodeErrors>();
    expectTypeOf<QuorateError>().not.toExtend<NodeErrors>();
  });

  it("matches errors by code, reason or a function", () => {
    expectTypeOf(Code.DeadlineExceeded).toExtend<ErrorMatch>();
    expectTypeOf<"NOT_CONNECTED">().toExtend<ErrorMatch>();
    expectTypeOf<(error: QuorateError) => boolean>().toExtend<ErrorMatch>();
    expectTypeOf<99>().not.toExtend<ErrorMatch>();
  });

  it("shows no node that could be written to", () => {
    expectTypeOf<Node["latencyMs"]>().toEqualTypeOf<number | undefined>();
    expectTypeOf<Node["lastError"]>().toEqualTypeOf<QuorateError | undefined>();
    expectTypeOf<Node>().not.toHaveProperty("recordReply");
    expectTypeOf<Node>().not.toHaveProperty("channel");
  });
});
