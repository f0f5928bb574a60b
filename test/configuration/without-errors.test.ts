import { Code, type ErrorMatch, QuorateError, QuorumCallError } from "quorate";
import { describe, expect, it } from "vitest";
import { configurationOf, inOrder } from "./test-nodes.js";

const timeout = new QuorateError(Code.DeadlineExceeded, "too late");
const refused = new QuorateError(Code.Unavailable, "connection refused", { reason: "NOT_CONNECTED" });
const other = new QuorateError(Code.Internal, "broken");

function failure(nodeErrors: Readonly<Record<number, QuorateError>>): QuorumCallError {
  const entries = Object.entries(nodeErrors).map(([id, error]) => [Number(id), error] as const);
  return new QuorumCallError({
    reason: "INCOMPLETE",
    message: "not enough replies",
    nodeErrors: new Map(entries),
    unanswered: [],
  });
}

/** The error that was passed on inside of others. */
function wrapped(error: QuorateError): QuorateError {
  const inner = new Error("in between", { cause: error });
  return new QuorateError(Code.Aborted, "passed on", { cause: inner });
}

describe("Configuration.withoutErrors", () => {
  it("[CF-19] leaves out the nodes that failed", () => {
    const configuration = configurationOf(1, 2, 3, 4);
    expect(configuration.withoutErrors(failure({ 1: timeout, 2: other })).ids).toEqual([3, 4]);
    expect(configuration.ids).toEqual([1, 2, 3, 4]);
  });

  it.each<[string, readonly ErrorMatch[], readonly number[]]>([
    ["a code", [Code.DeadlineExceeded], [2, 3]],
    ["two codes", [Code.DeadlineExceeded, Code.Unavailable], [3]],
    ["a reason", ["NOT_CONNECTED"], [1, 3]],
    ["a code and a reason", [Code.DeadlineExceeded, "NOT_CONNECTED"], [3]],
    ["a function", [({ message }) => message.startsWith("conn")], [1, 3]],
    ["a function and a code", [(error) => error === other, Code.DeadlineExceeded], [2]],
  ])("[CF-20] leaves out those whose error fits %s", (_, matches, rest) => {
    const error = failure({ 1: timeout, 2: refused, 3: other });
    expect(configurationOf(1, 2, 3).withoutErrors(error, ...matches).ids).toEqual(rest);
  });

  it("[CF-20] looks for codes and reasons in the causes of an error, too", () => {
    const error = failure({ 1: wrapped(timeout), 2: wrapped(wrapped(refused)), 3: other });
    const configuration = configurationOf(1, 2, 3);
    expect(configuration.withoutErrors(error, Code.DeadlineExceeded).ids).toEqual([2, 3]);
    expect(configuration.withoutErrors(error, Code.DeadlineExceeded, "NOT_CONNECTED").ids).toEqual([3]);
    expect(configuration.withoutErrors(error, Code.Aborted).ids).toEqual([3]);
  });

  it("survives causes that form a circle", () => {
    const circular = new QuorateError(Code.Internal, "round and round");
    Object.defineProperty(circular, "cause", { value: circular });
    expect(configurationOf(1).withoutErrors(failure({ 1: circular }), Code.Aborted).ids).toEqual([1]);
  });

  it.each<[string, QuorumCallError, readonly ErrorMatch[]]>([
    ["a code that no error has", failure({ 1: timeout }), [Code.NotFound]],
    ["a reason that no error has", failure({ 1: timeout }), ["NOT_CONNECTED"]],
    ["a function that no error fits", failure({ 1: timeout }), [() => false]],
    ["an error without node errors", failure({}), []],
    ["an error of other nodes", failure({ 8: timeout }), []],
  ])("[CF-21] leaves out nobody for %s", (_, error, matches) => {
    expect(configurationOf(1, 2).withoutErrors(error, ...matches).ids).toEqual([1, 2]);
  });

  it("[CF-15] keeps the order", () => {
    expect(inOrder(4, 2, 7, 1).withoutErrors(failure({ 2: other })).ids).toEqual([4, 7, 1]);
  });

  it("refuses a match that is none", () => {
    const error = failure({ 1: timeout });
    for (const match of [99, undefined, {}]) {
      expect(() => configurationOf(1).withoutErrors(error, match as ErrorMatch)).toThrow(
        expect.objectContaining({ code: Code.InvalidArgument }),
      );
    }
  });
});
