// Builds the Go peer of test/interop, unless it is built already, and prints one line of JSON: its `path`, or what is
// `missing` here (the `toolchain`, or its `modules`) and the `reason`. What is wrong with the code itself fails.
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { delimiter, join } from "node:path";
import { withLock } from "./lock.mjs";
import { root, run, tool } from "./tools.mjs";

const source = join(root, "test/interop/go");
const protos = join(root, "test/interop/proto/interop/v1");
const cache = join(root, "node_modules/.cache/quorate-interop");
const stampFile = join(cache, "stamp");
const waitMs = 10 * 60_000;
const path = join(cache, process.platform === "win32" ? "peer.exe" : "peer");

console.log(JSON.stringify(await withLock(`${cache}.lock`, { waitMs }, build)));

async function build() {
  const version = await go("version").catch((error) => ({ code: 1, output: error.message }));
  if (version.code !== 0) {
    return { missing: "toolchain", reason: `there is no Go toolchain (${firstLine(version.output)})` };
  }
  const stamp = fingerprint(version.output);
  if (existsSync(path) && existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) return { path };
  rmSync(cache, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  const flags = await moduleFlags();
  const modules = await go("mod", "download", ...flags.filter((flag) => !flag.startsWith("-mod=")));
  if (modules.code !== 0) {
    return { missing: "modules", reason: `its Go modules cannot be had (${firstLine(modules.output)})` };
  }
  const tools = [
    "github.com/relab/gorums/cmd/protoc-gen-gorums",
    "google.golang.org/protobuf/cmd/protoc-gen-go",
  ];
  await succeed(go("build", ...flags, "-o", `${cache}/`, ...tools));
  await succeed(generate());
  await succeed(go("build", ...flags, "-o", path, "."));
  writeFileSync(stampFile, stamp);
  return { path };
}

/**
 * For what is not in go.sum Go asks its checksum database, and notes the answer: in a copy, so that the sources stay as
 * they are. A workspace of Go's own says itself where the modules come from.
 */
async function moduleFlags() {
  const { output } = await go("env", "GOWORK");
  if (output.trim() !== "" && output.trim() !== "off") return ["-mod=readonly"];
  for (const name of ["go.mod", "go.sum"]) copyFileSync(join(source, name), join(cache, name));
  return ["-mod=mod", `-modfile=${join(cache, "go.mod")}`];
}

/** Two compilations at a time: the tests run beside it. */
function go(...args) {
  const flags = `${process.env.GOFLAGS ?? ""} -p=2`.trim();
  return run(["go", ...args], {
    cwd: source,
    env: { ...process.env, GOFLAGS: flags },
    timeoutMs: waitMs,
  });
}

function generate() {
  const command = tool("@bufbuild/buf", "buf");
  return run([...command, "generate", "--template", `${source}/buf.gen.yaml`, "--output", source], {
    env: { ...process.env, PATH: [cache, process.env.PATH ?? ""].join(delimiter) },
  });
}

async function succeed(running) {
  const { code, output } = await running;
  if (code !== 0) throw new Error(output);
}

function fingerprint(version) {
  const hash = createHash("sha256").update(`${version} ${process.env.GOWORK ?? ""}`);
  for (const folder of [source, protos]) {
    for (const name of readdirSync(folder).sort()) {
      if (/\.(go|mod|sum|proto|yaml)$/.test(name)) hash.update(name).update(readFileSync(join(folder, name)));
    }
  }
  return hash.digest("hex");
}

function firstLine(output) {
  return (
    output
      .trim()
      .split("\n")
      .find((line) => !line.startsWith("go: downloading")) ?? ""
  );
}
