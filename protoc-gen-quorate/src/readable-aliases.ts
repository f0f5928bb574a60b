/**
 * Renames the aliases that the plugin framework gives to imports whose name the file exports itself:
 * `import { Storage as Storage$1 }` becomes `import { Storage as StorageService }`.
 *
 * An alias stays as it is where the better name is in use already. Comments are never touched.
 */
export function withReadableAliases(content: string): string {
  const imports = content.split("\n").filter((line) => line.startsWith("import "));
  const aliases = imports.flatMap((line) => [...line.matchAll(/([\w$]+) as (\1\$\d+)/g)]);
  return aliases.reduce((text, [, name, alias]) => renamed(text, `${alias}`, `${name}Service`), content);
}

function renamed(content: string, alias: string, name: string): string {
  const lines = content.split("\n");
  if (lines.some((line) => !isComment(line) && wordPattern(name).test(line))) return content;
  const pattern = wordPattern(alias);
  return lines.map((line) => (isComment(line) ? line : line.replace(pattern, () => name))).join("\n");
}

function isComment(line: string): boolean {
  return /^\s*(\/\/|\/\*\*|\*)/.test(line);
}

// `$` is part of a word in TypeScript, but not for `\b`.
function wordPattern(word: string): RegExp {
  return new RegExp(`(?<![\\w$])${word.replaceAll("$", "\\$")}(?![\\w$])`, "g");
}
