/** The words of a line, or why it has none. */
export type Words =
  | { readonly ok: true; readonly words: readonly string[] }
  | { readonly ok: false; readonly error: string };

/**
 * Splits a line on blanks. What stands in single or double quotes is one word, or a part of one, and may be empty; a
 * backslash takes the next character as it is, within quotes too.
 */
export function splitQuoted(line: string): Words {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  let escaped = false;
  for (const character of line) {
    if (escaped) {
      word = `${word ?? ""}${character}`;
      escaped = false;
    } else if (character === "\\") {
      escaped = true;
    } else if (character === quote) {
      quote = undefined;
    } else if (quote === undefined && (character === "'" || character === '"')) {
      quote = character;
      word ??= "";
    } else if (quote === undefined && /\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = `${word ?? ""}${character}`;
    }
  }
  if (escaped) return { ok: false, error: "unfinished escape" };
  if (quote !== undefined) return { ok: false, error: "unterminated quoted string" };
  if (word !== undefined) words.push(word);
  return { ok: true, words };
}
