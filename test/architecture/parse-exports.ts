/** A name that an entry point exports. */
export interface ExportedName {
  readonly name: string;
  readonly kind: "value" | "type";
}

/**
 * The names that the text of an entry point exports, sorted.
 *
 * Throws if there is anything but `export { … } from "…"`, `export type { … } from "…"` and comments.
 */
export function parseExports(text: string): ExportedName[] {
  const names: ExportedName[] = [];
  const rest = text
    .replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "")
    .replaceAll(/\bexport\s+(type\s+)?\{([^{}]*)\}\s*from\s*"[^"]+"\s*;/g, (_, type?: string, list = "") => {
      names.push(...namesIn(list as string, type === undefined ? "value" : "type"));
      return "";
    })
    .trim();
  if (rest !== "") throw new Error(`An entry point is nothing but lists of exports, not: ${rest}`);
  return names.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function namesIn(list: string, kind: "value" | "type"): ExportedName[] {
  return list
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "")
    .map((item) => {
      const name = item.replace(/^type\s+/, "").replace(/^\S+\s+as\s+/, "");
      return { name, kind: item.startsWith("type ") ? "type" : kind };
    });
}
