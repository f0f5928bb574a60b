// Prints one line of counts over the report of the tests, that of the checks, and the exit code of the conformance,
// which counts as one check. A run that failed without saying where counts as one failure:
// count-results.mjs <tests.json> <exit code> <checks.json> <exit code> <conformance exit code>
import { existsSync, readFileSync } from "node:fs";

const [testsFile, testsCode, checksFile, checksCode, conformanceCode] = process.argv.slice(2);
const tests = withExitCode(testCounts(read(testsFile)), testsCode);
const checks = withExitCode({ passed: 0, failed: 0, ...read(checksFile), skipped: 0 }, checksCode);
const conformance = conformanceCode === "0" ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };

const passed = tests.passed + checks.passed + conformance.passed;
const failed = tests.failed + checks.failed + conformance.failed;
const skipped = tests.skipped + checks.skipped;
if (tests.passed + tests.failed === 0) console.log("No test ran.");
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed > 0 || tests.passed === 0 ? 1 : 0;

function read(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
}

function testCounts(report) {
  if (report === undefined) return { passed: 0, failed: 0, skipped: 0 };
  // A file that could not be loaded has failed without any test in it.
  const broken = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === "failed" && !assertionResults.some((result) => result.status === "failed"),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

function withExitCode(counts, code) {
  return code !== "0" && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}
