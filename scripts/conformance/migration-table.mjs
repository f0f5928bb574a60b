/**
 * The rows that a document says to be met differently, or not at all: the lines of its tables whose first cell is
 * an id. The cells are `| id | kind | Gorums | here and why | decision |`.
 */
export function tabledRows(markdown) {
  return tableLines(markdown)
    .map(({ cells, line }) => ({ cells, line, id: plain(cells[0]) }))
    .filter(({ id }) => /^[A-Z]{2,3}-\d+$/.test(id))
    .map(({ cells, line, id }) => {
      const [, kind = "", , reason = "", decision = ""] = cells;
      const decisions = plain(decision)
        .split(",")
        .map((one) => one.trim())
        .filter((one) => one !== "");
      return { id, line, kind: plain(kind), reason, decisions };
    });
}

/** What a row may name as its decision: the ids of docs/wire.md, and the topics of the decisions of docs/architecture.md. */
export function knownDecisions({ wire, architecture }) {
  const entries = tableLines(wire)
    .map(({ cells }) => plain(cells[0]))
    .filter((id) => /^[FJW]-\d{2}$/.test(id));
  const [, decisions = ""] = architecture.split(/^## Decisions$/m);
  const [section = ""] = decisions.split(/^## /m);
  const topics = tableLines(section)
    .map(({ cells }) => plain(cells[0]))
    .filter((topic) => topic !== "topic" && !/^-+$/.test(topic));
  return { entries: new Set(entries), topics: new Set(topics) };
}

function tableLines(markdown) {
  return markdown
    .split("\n")
    .map((text, at) => ({ text, line: at + 1 }))
    .filter(({ text }) => /^\|.*\|\s*$/.test(text))
    .map(({ text, line }) => ({ line, cells: cellsOf(text) }));
}

// A bar within a cell is written `\|`.
function cellsOf(line) {
  return line
    .trim()
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());
}

function plain(cell) {
  return cell.replaceAll(/[`*]/g, "");
}
