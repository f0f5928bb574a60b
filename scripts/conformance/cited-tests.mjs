/**
 * The tests whose names cite something in brackets (`[QC-06] [W-15]`, or `[QC-06, W-15]`), with whether they passed,
 * from a report of vitest's JSON reporter. What the blocks around a test cite counts as cited by the test.
 */
export function citedTests(report) {
  return report.testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .map(({ fullName, status }) => ({ name: fullName, status, ids: idsIn(fullName) }))
    .filter(({ ids }) => ids.length > 0);
}

/** What vitest's `-t` takes to run the tests that cite a row. */
export const citesRow = String.raw`\[([A-Z]+-\d+, )*[A-Z]{2,3}-\d+`;

function idsIn(name) {
  const brackets = [...name.matchAll(/\[([A-Z]{1,3}-\d+(?:, [A-Z]{1,3}-\d+)*)\]/g)];
  return [...new Set(brackets.flatMap(([, ids]) => ids.split(", ")))];
}
