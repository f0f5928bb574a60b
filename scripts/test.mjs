// Builds, because some tests start processes from dist, and runs the tests. What stands behind `npm test --`
// goes to vitest; without any of it all tests run, with a coverage report unless --no-coverage is given.
import { build, run, tool } from "./tools.mjs";

const args = process.argv.slice(2).filter((arg) => arg !== "--no-coverage");
const isWhole = args.length === 0 && !process.argv.includes("--no-coverage");

const built = await build();
if (built.output !== "") process.stderr.write(built.output);
if (built.code !== 0)
  console.error("The build failed. The tests run all the same, but the result is a failure.");

// The report is for programs: the path comes from whoever wants to read it.
const { QUORATE_TEST_REPORT: report } = process.env;
const { code } = await run(
  [
    ...tool("vitest"),
    "run",
    ...(isWhole ? ["--coverage"] : []),
    ...(report ? ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`] : []),
    ...args,
  ],
  { stdio: "inherit" },
);
process.exitCode = code === 0 && built.code !== 0 ? 1 : code;
