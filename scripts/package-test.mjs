// Packs both packages as they would be published, and uses them as a stranger would: in a plain project of its
// own, outside of this repository.
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { npmCommand } from "./ensure-installed.mjs";
import { build, root, run, tool } from "./tools.mjs";

const node = process.execPath;
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const environment = environmentOfAStranger();

const temporary = mkdtempSync(join(tmpdir(), "quorate-package-"));
const project = join(temporary, "project");
const packed = {};

/** Each step throws, with all that there is to read, if it does not succeed. */
const steps = [
  ["build", buildAll],
  ["pack", packAll],
  ["contents", checkContents],
  ["publint", lintPackages],
  ["types of the entry points", checkEntryPointTypes],
  ["install", install],
  ["generate", () => inProject(...npmCommand(), "run", "generate")],
  ["compile", () => inProject(...npmCommand(), "run", "build")],
  ["run", runProgram],
  ["what is private", checkPrivatePaths],
  ["require", checkRequire],
];

let failed = false;
for (const [name, step] of steps) {
  try {
    await step();
    console.log(`ok      ${name}`);
  } catch (error) {
    failed = true;
    console.log(`FAILED  ${name}\n${error.message.trimEnd()}`);
    // Each step needs what the ones before it made.
    break;
  }
}
if (failed) {
  console.log(`The packages and the project are kept in ${temporary}`);
  process.exitCode = 1;
} else {
  rmSync(temporary, { recursive: true, force: true });
}

async function buildAll() {
  const { code, output } = await build();
  if (code !== 0) throw new Error(output);
}

async function packAll() {
  for (const workspace of [[], ["--workspace", "protoc-gen-quorate"]]) {
    const line = [...npmCommand(), "pack", "--json", "--pack-destination", temporary, ...workspace];
    const { stdout } = await succeed(line, { cwd: root });
    const [description] = Object.values(JSON.parse(stdout));
    packed[description.name] = {
      file: join(temporary, description.filename),
      paths: description.files.map(({ path }) => path),
    };
  }
}

function checkContents() {
  const documents = ["package\\.json", "README\\.md", "LICENSE", "CHANGELOG\\.md"];
  const compiled = "\\.(js|js\\.map|d\\.ts|d\\.ts\\.map)";
  const expectations = {
    quorate: {
      allowed: [...documents, `dist/(src|internal)/.+${compiled}`, "proto/options/gorums\\.proto"],
      required: ["LICENSE", "proto/options/gorums.proto", ...entryPointFiles()],
    },
    "protoc-gen-quorate": {
      allowed: [...documents, `dist/.+${compiled}`],
      required: ["dist/cli.js"],
    },
  };
  for (const [name, { allowed, required }] of Object.entries(expectations)) {
    const { paths } = packed[name];
    const pattern = new RegExp(`^(${allowed.join("|")})$`);
    const odd = paths.filter((path) => !pattern.test(path) || /\.test(-d)?\./.test(path));
    if (odd.length > 0) throw new Error(`${name} contains what does not belong there:\n${odd.join("\n")}`);
    const missing = required.filter((path) => !paths.includes(path));
    if (missing.length > 0) throw new Error(`${name} lacks:\n${missing.join("\n")}`);
  }
}

function entryPointFiles() {
  return Object.values(manifest.exports)
    .flatMap((target) => (typeof target === "string" ? [target] : Object.values(target)))
    .map((path) => path.replace(/^\.\//, ""));
}

async function lintPackages() {
  for (const { file } of Object.values(packed)) {
    await succeed([...tool("publint"), "run", file, "--strict"]);
  }
}

function checkEntryPointTypes() {
  const flags = ["--profile", "esm-only", "--no-definitely-typed", "--no-emoji", "--no-color"];
  return succeed([...tool("@arethetypeswrong/cli", "attw"), packed.quorate.file, ...flags]);
}

async function install() {
  cpSync(join(root, "test/package/fixture"), project, { recursive: true });
  const names = [
    "@bufbuild/protobuf",
    "@bufbuild/buf",
    "@bufbuild/protoc-gen-es",
    "@types/node",
    "typescript",
  ];
  const packages = [
    ...Object.values(packed).map(({ file }) => file),
    ...names.map((name) => `${name}@${manifest.devDependencies[name]}`),
  ];
  const flags = ["--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  await inProject(
    ...npmCommand(),
    "install",
    "--engine-strict=false",
    "--include=dev",
    ...flags,
    ...packages,
  );
}

async function runProgram() {
  const { stdout } = await inProject(node, "dist/main.js");
  const expected = "Hello, stranger: 3 of 3 servers\n";
  if (stdout !== expected) {
    throw new Error(`The program printed ${JSON.stringify(stdout)} instead of ${JSON.stringify(expected)}`);
  }
}

async function checkPrivatePaths() {
  for (const path of [
    "quorate/internal/wire/envelope.js",
    "quorate/dist/internal/wire/envelope.js",
    "quorate/dist/src/index.js",
    "quorate/src/index.js",
  ]) {
    const probe = `import(${JSON.stringify(path)}).then(() => "imported", (error) => error.code).then(console.log)`;
    const { stdout } = await inProject(node, "--input-type=module", "--eval", probe);
    if (stdout !== "ERR_PACKAGE_PATH_NOT_EXPORTED\n") throw new Error(`import("${path}"): ${stdout}`);
  }
}

async function checkRequire() {
  // Node can require an ES module from 20.19 on.
  if (!process.features.require_module) return;
  const probe =
    'const { connect, createServer } = require("quorate"); console.log(typeof connect, typeof createServer)';
  const { stdout } = await inProject(node, "--input-type=commonjs", "--eval", probe);
  if (stdout !== "function function\n") throw new Error(`require("quorate"): ${stdout}`);
}

function inProject(...line) {
  return succeed(line, { cwd: project });
}

async function succeed(line, { cwd = temporary } = {}) {
  const { code, output, stdout } = await run(line, { cwd, env: environment, timeoutMs: 180_000 });
  if (code !== 0) throw new Error(`${line.join(" ")}\nended with code ${code}:\n${output}`);
  return { stdout };
}

/** What npm tells the scripts of this repository about it must not reach the npm of the project. */
function environmentOfAStranger() {
  const ours =
    /^(npm_package_|npm_lifecycle_|npm_config_(workspaces?|local_prefix|include_workspace_root)$|INIT_CWD$)/i;
  const entries = Object.entries(process.env).filter(([name]) => !ours.test(name));
  return { ...Object.fromEntries(entries), NO_COLOR: "1", FORCE_COLOR: undefined };
}
