import { describe, expect, it } from "vitest";
import { selectNodes } from "../../../examples/storage/repl/node-selection.js";

describe("selectNodes, of four", () => {
  it.each([
    { text: "1:3", indices: [1, 2] },
    { text: ":2", indices: [0, 1] },
    { text: "1:", indices: [1, 2, 3] },
    { text: ":", indices: [0, 1, 2, 3] },
    { text: "0:4", indices: [0, 1, 2, 3] },
    { text: "3:4", indices: [3] },
    { text: "0,2", indices: [0, 2] },
    { text: "2,0", indices: [2, 0] },
    { text: "3", indices: [3] },
  ])("[RE-03] takes $text", ({ text, indices }) => {
    expect(selectNodes(text, 4)).toEqual({ ok: true, indices });
  });

  it.each([
    // Out of range.
    "4",
    "0,4",
    "-1",
    "1:5",
    "-1:2",
    "4:",
    "9999999999",
    // Empty.
    "2:2",
    "3:1",
    ":0",
    "",
    // No selection at all.
    "a",
    "0,",
    "1,b",
    "a:b",
    "1:2:3",
    "1.5",
    "0 2",
  ])("[RE-03] refuses `%s`", (text) => {
    expect(selectNodes(text, 4)).toEqual({ ok: false, error: "invalid configuration" });
  });

  it.each([
    { text: "1,1", index: 1 },
    { text: "0,2,3,2", index: 2 },
    { text: "1,01", index: 1 },
  ])("[RE-03] refuses $text, in which one is repeated", ({ text, index }) => {
    expect(selectNodes(text, 4)).toEqual({ ok: false, error: `duplicate index: ${index}` });
  });
});
