import { Code, QuorateError, QuorumCallError } from "quorate";
import { describe, expect, it } from "vitest";
import { describeError } from "../../../examples/storage/repl/describe-error.js";

const incomplete = (errors: readonly Error[]) =>
  new QuorumCallError({
    reason: "INCOMPLETE",
    message: "0 of 2 replies",
    nodeErrors: new Map(errors.map((error, at) => [at + 1, QuorateError.from(error, Code.NotFound)])),
    unanswered: [],
  });

describe("describeError", () => {
  it.each([
    { error: new QuorateError(Code.Unavailable, "node 1 is away"), line: "Unavailable: node 1 is away" },
    { error: new Error("two\nlines\n"), line: "Unknown: two; lines" },
    {
      error: incomplete([new Error("this"), new Error("that")]),
      line: "NotFound: quorate: 0 of 2 replies (errors: 2): node 1: this; node 2: that",
    },
    {
      error: incomplete([incomplete([new Error("this")])]),
      line: "NotFound: quorate: 0 of 2 replies (errors: 1): node 1: quorate: 0 of 2 replies (errors: 1): node 1: this",
    },
  ])("makes one line: $line", ({ error, line }) => {
    expect(describeError(error)).toBe(line);
  });
});
