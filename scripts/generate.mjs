// Writes all generated code. With --check, writes nothing and fails if the checked-in code is not up to date.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
const check = process.argv.includes("--check");

const pluginGen = "protoc-gen-quorate/src/gen";

// The plugin of the second stage imports what the first stage wrote, so without that a check ends there.
const stages = [
  [
    { template: "buf.gen.yaml", out: "internal/wire/gen" },
    { template: "protoc-gen-quorate/buf.gen.yaml", out: pluginGen },
  ],
  [
    { template: "src/sessions/buf.gen.yaml", out: "src/sessions/gen" },
    { template: "src/sessions/commit-log/etcd/buf.gen.yaml", out: "src/sessions/commit-log/etcd/gen" },
    { template: "examples/bank/buf.gen.yaml", out: "examples/bank/gen" },
    { template: "examples/gateway/buf.gen.yaml", out: "examples/gateway/gen" },
    { template: "examples/storage/buf.gen.yaml", out: "examples/storage/gen" },
    { template: "bench/context/buf.gen.yaml", out: "bench/context/gen" },
    { template: "bench/etcd/buf.gen.yaml", out: "bench/etcd/gen" },
    { template: "bench/sessions/buf.gen.yaml", out: "bench/sessions/gen" },
    { template: "bench/storage/buf.gen.yaml", out: "bench/storage/gen" },
    { template: "test/buf.gen.yaml", out: "test/gen" },
  ],
];

// Everything is generated aside first, so a failing run leaves the checked-in code as it was.
const aside = await mkdtemp(join(tmpdir(), "quorate-generate-"));
try {
  const found = [];
  for (const stage of stages) {
    const changes = (await Promise.all(stage.map(generate))).flat();
    found.push(...changes);
    if (!check) await apply(changes);
    else if (changes.some(({ path }) => path.startsWith(pluginGen))) break;
  }
  if (check) refuse(found);
  console.log(`generated code is ${check ? "up to date" : "written"}`);
} catch (error) {
  console.error(error.stderr || error.message);
  process.exitCode = 1;
} finally {
  await rm(aside, { recursive: true, force: true });
}

async function generate({ template, out }) {
  const buf = join(root, "node_modules/.bin/buf");
  await promisify(execFile)(buf, ["generate", "--template", template, "--output", aside], { cwd: root });
  return compare(await readTree(join(root, out)), await readTree(join(aside, out)), out);
}

async function readTree(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const contents = await Promise.all(paths.map((path) => readFile(path, "utf8")));
  return new Map(paths.map((path, index) => [relative(folder, path).split(sep).join("/"), contents[index]]));
}

function compare(present, wanted, out) {
  const changes = [];
  for (const name of [...new Set([...present.keys(), ...wanted.keys()])].sort((a, b) => a.localeCompare(b))) {
    const path = `${out}/${name}`;
    const content = wanted.get(name);
    if (content === undefined) changes.push({ kind: "superfluous", path });
    else if (!present.has(name)) changes.push({ kind: "missing", path, content });
    else if (present.get(name) !== content) changes.push({ kind: "stale", path, content });
  }
  return changes;
}

function refuse(changes) {
  if (changes.length === 0) return;
  const list = changes.map(({ kind, path }) => `${kind}: ${path}`).join("\n");
  throw new Error(`${list}\ngenerated code is not up to date: run \`npm run generate\``);
}

async function apply(changes) {
  for (const { path, content } of changes) {
    const file = join(root, path);
    if (content === undefined) {
      await rm(file);
    } else {
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
    }
  }
}
