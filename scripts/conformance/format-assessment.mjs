/** An assessment as a table for people, with what is missing and what is wrong below it. */
export function formatAssessment({ areas, total, missing, problems }) {
  const lines = [
    ["area", "", "rows", "met", "different", "not applicable", "missing"],
    ...areas.map(({ missing: ids, ...area }) => cellsOf({ ...area, missing: ids.length })),
    cellsOf({ area: "", title: "all", ...total }),
  ];
  const widths = lines[0].map((_, column) => Math.max(...lines.map((cells) => cells[column].length)));
  const table = lines.map((cells) =>
    cells
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
      .join("  ")
      .trimEnd(),
  );
  return [
    ...table,
    "",
    missing.length === 0 ? "missing: none" : `missing: ${missing.join(", ")}`,
    ...problems.map((problem) => `wrong: ${problem}`),
  ].join("\n");
}

function cellsOf({ area, title, rows, met, different, notApplicable, missing }) {
  return [area, title, ...[rows, met, different, notApplicable, missing].map(String)];
}
