import { idsOf } from "./inventory.mjs";

const kinds = ["different", "not applicable"];
const mostIds = 3;

/**
 * Holds what the tests cite and what the table says against the inventory.
 *
 * @returns the counts of each area and of all, the ids of which nothing is said, and everything that is wrong
 */
export function assess({ areas, tests, rows, decisions }) {
  const known = new Set(areas.flatMap(idsOf));
  const passed = tests.filter(({ status }) => status === "passed");
  const met = new Set(passed.flatMap(({ ids }) => ids));
  const tabled = new Map(rows.map((row) => [row.id, row]));

  const counted = areas.map(({ area, title, rows: count }) => {
    const ids = idsOf({ area, rows: count });
    const countOf = (kind) => ids.filter((id) => tabled.get(id)?.kind === kind).length;
    return {
      area,
      title,
      rows: count,
      met: ids.filter((id) => met.has(id)).length,
      different: countOf("different"),
      notApplicable: countOf("not applicable"),
      missing: ids.filter((id) => !met.has(id) && !tabled.has(id)),
    };
  });
  const sum = (field) => counted.reduce((total, area) => total + area[field], 0);
  return {
    areas: counted,
    total: {
      rows: sum("rows"),
      met: sum("met"),
      different: sum("different"),
      notApplicable: sum("notApplicable"),
      missing: counted.reduce((total, { missing }) => total + missing.length, 0),
    },
    missing: counted.flatMap(({ missing }) => missing),
    problems: [
      ...tests.flatMap((test) => problemsOfTest(test, known, decisions)),
      ...rows.flatMap((row) => problemsOfRow(row, known, decisions)),
      ...doubles(tests, rows),
    ],
  };
}

function problemsOfTest({ name, status, ids }, known, { entries }) {
  const problems = [];
  const cites = ids.some((id) => known.has(id));
  if (ids.length > mostIds) problems.push(`cites ${ids.length} ids; ${mostIds} is the most`);
  const unknown = ids.filter((id) => !known.has(id) && !entries.has(id));
  if (unknown.length > 0) problems.push(`cites ${unknown.join(", ")}, which nothing has`);
  if (cites && status === "failed") problems.push("failed, so what it cites is not shown");
  return problems.map((problem) => `the test "${name}" ${problem}`);
}

function problemsOfRow({ id, line, kind, reason, decisions: named }, known, { entries, topics }) {
  const problems = [];
  if (!known.has(id)) problems.push("is no row of the inventory");
  if (!kinds.includes(kind)) problems.push(`is "${kind}"; it must be one of: ${kinds.join(", ")}`);
  if (reason === "") problems.push("has no reason");
  if (kind === "different" && named.length === 0) problems.push("names no decision");
  const unknown = named.filter((one) => !entries.has(one) && !topics.has(one));
  if (unknown.length > 0) problems.push(`names a decision that there is not: ${unknown.join(", ")}`);
  return problems.map((problem) => `the row ${id} in line ${line} of the table ${problem}`);
}

/** Whether a test passed does not matter here: the same commit must not be right in one place and wrong in another. */
function doubles(tests, rows) {
  const citing = new Map(tests.flatMap(({ name, ids }) => ids.map((id) => [id, name])));
  const seen = new Set();
  return rows.flatMap(({ id, line }) => {
    const problems = [];
    if (seen.has(id)) problems.push(`the row ${id} stands in the table again in line ${line}`);
    if (citing.has(id) && !seen.has(id)) {
      problems.push(
        `the row ${id} stands in line ${line} of the table, and the test "${citing.get(id)}" cites it`,
      );
    }
    seen.add(id);
    return problems;
  });
}
