/** Indices of nodes, or why there are none. */
export type NodeSelection =
  | { readonly ok: true; readonly indices: readonly number[] }
  | { readonly ok: false; readonly error: string };

/**
 * Reads which of `size` nodes are meant, by index from 0: a slice (`1:3` is 1 and 2, `:2` and `1:` have an open end)
 * or a list (`0,2`).
 */
export function selectNodes(text: string, size: number): NodeSelection {
  const [from, to, ...more] = text.split(":");
  if (from === undefined || to === undefined) return selectList(text.split(","), size);
  if (more.length > 0) return invalid;
  const start = from === "" ? 0 : readIndex(from);
  const end = to === "" ? size : readIndex(to);
  if (start === undefined || end === undefined || start >= end || end > size) return invalid;
  return { ok: true, indices: Array.from({ length: end - start }, (_, at) => start + at) };
}

/** A number from 0 on, in decimal digits. */
export function readIndex(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

const invalid: NodeSelection = { ok: false, error: "invalid configuration" };

function selectList(words: readonly string[], size: number): NodeSelection {
  const indices = new Set<number>();
  for (const word of words) {
    const index = readIndex(word);
    if (index === undefined || index >= size) return invalid;
    if (indices.has(index)) return { ok: false, error: `duplicate index: ${index}` };
    indices.add(index);
  }
  return { ok: true, indices: [...indices] };
}
