import { describe, expect, it } from "vitest";
import { splitQuoted } from "../../../examples/storage/repl/split-quoted.js";

describe("splitQuoted", () => {
  it.each([
    { line: "qc read foo", words: ["qc", "read", "foo"] },
    { line: "cfg 1:3 write foo bar", words: ["cfg", "1:3", "write", "foo", "bar"] },
    { line: "cfg 0,2 write foo 'bar baz'", words: ["cfg", "0,2", "write", "foo", "bar baz"] },
    { line: 'qc write k "bar  baz"', words: ["qc", "write", "k", "bar  baz"] },
    { line: 'qc write k ""', words: ["qc", "write", "k", ""] },
    { line: "qc write k ''", words: ["qc", "write", "k", ""] },
    { line: 'qc write "" k', words: ["qc", "write", "", "k"] },
    { line: '""', words: [""] },
    { line: "''", words: [""] },
    { line: '"" ""', words: ["", ""] },
    { line: "'' ''", words: ["", ""] },
    { line: '  ""  ', words: [""] },
    { line: "  qc   read\tfoo  ", words: ["qc", "read", "foo"] },
    { line: "", words: [] },
    { line: " \t ", words: [] },
  ])("[RE-01] splits $line", ({ line, words }) => {
    expect(splitQuoted(line)).toEqual({ ok: true, words });
  });

  it.each([
    { line: `a'b c'd`, words: ["ab cd"] },
    { line: `'a'"b"`, words: ["ab"] },
    { line: `"it's"`, words: ["it's"] },
    { line: `'say "no"'`, words: [`say "no"`] },
    { line: String.raw`a\ b`, words: ["a b"] },
    { line: String.raw`\'`, words: ["'"] },
    { line: String.raw`"a \" b"`, words: [`a " b`] },
    { line: String.raw`'a \' b'`, words: ["a ' b"] },
    { line: String.raw`a\\b`, words: [String.raw`a\b`] },
    { line: "qc write k 🗝 'ø ✓'", words: ["qc", "write", "k", "🗝", "ø ✓"] },
  ])("joins quotes to their word, and takes what is escaped as it is: $line", ({ line, words }) => {
    expect(splitQuoted(line)).toEqual({ ok: true, words });
  });

  it.each([
    { line: `qc write k "v`, error: "unterminated quoted string" },
    { line: `qc write k 'v`, error: "unterminated quoted string" },
    { line: `'a"`, error: "unterminated quoted string" },
    { line: `"`, error: "unterminated quoted string" },
    { line: String.raw`"a\"`, error: "unterminated quoted string" },
    { line: "qc read foo\\", error: "unfinished escape" },
    { line: "\\", error: "unfinished escape" },
    { line: '"a\\', error: "unfinished escape" },
  ])("[RE-02] refuses $line", ({ line, error }) => {
    expect(splitQuoted(line)).toEqual({ ok: false, error });
  });
});
