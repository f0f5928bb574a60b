// Installs the dependencies from the lock file if node_modules is missing or stale. Uses nothing but Node, and
// writes to stderr only, so that a command that needs it keeps its stdout for itself.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const lockFile = join(root, "package-lock.json");
const installedFile = join(root, "node_modules", ".package-lock.json");
const stampFile = join(root, "node_modules", ".quorate-lock-hash");
const waitMs = 10 * 60_000;

/** Installs what package-lock.json names, unless it is there already. Throws if that fails. */
export async function ensureInstalled() {
  if (isFresh()) return;
  const { withLock } = await import("./lock.mjs");
  const onWait = () => console.error("Waiting for another installation of the dependencies ...");
  await withLock(join(root, ".install.lock"), { waitMs, onWait }, () => {
    if (isFresh()) return;
    if (!isSameTree()) install();
    writeFileSync(stampFile, stamp());
  });
}

function isFresh() {
  return existsSync(installedFile) && existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp();
}

function stamp() {
  const hash = createHash("sha256").update(readFileSync(lockFile)).digest("hex");
  return `${hash} ${process.platform}-${process.arch}\n`;
}

/** Whether a plain `npm install` has already brought node_modules to what the lock file says. */
function isSameTree() {
  if (!existsSync(installedFile)) return false;
  const wanted = JSON.parse(readFileSync(lockFile, "utf8")).packages;
  const installed = JSON.parse(readFileSync(installedFile, "utf8")).packages;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === "") return true;
    if (!(path in installed) || !existsSync(join(root, path))) return mayBeAbsent(entry);
    const { version, integrity, link } = installed[path];
    return version === entry.version && integrity === entry.integrity && link === entry.link;
  });
}

function mayBeAbsent({ optional, os, cpu, libc }) {
  if (!optional) return false;
  const isForUs = os?.includes(process.platform) && cpu?.includes(process.arch) && libc === undefined;
  return !isForUs;
}

function install() {
  console.error("Installing the dependencies from package-lock.json ...");
  // Flags, because the caller's npm settings (silent, omit, a workspace) come along in the environment. No
  // package needs its install scripts here: programs come as packages of their own, one per platform.
  const flags = ["--ignore-scripts", "--include=dev", "--include=optional", "--engine-strict=false"];
  const quiet = ["--no-audit", "--no-fund", "--loglevel=error"];
  const [command, ...before] = npmCommand();
  const { status, signal, error } = spawnSync(command, [...before, "ci", ...flags, ...quiet], {
    cwd: root,
    stdio: ["ignore", 2, 2],
    env: withoutWorkspace(process.env),
    shell: command === "npm" && process.platform === "win32",
  });
  if (error !== undefined) throw new Error(`npm could not be started: ${error.message}`);
  if (status !== 0) {
    const how = signal === null ? `code ${status}` : signal;
    throw new Error(
      `"npm ci" ended with ${how}. It needs the npm registry (or a filled npm cache) and a package-lock.json ` +
        "that agrees with package.json; its own message is above.",
    );
  }
}

/** The command that runs the npm which started us, else the one on the PATH. */
export function npmCommand() {
  const { npm_execpath: path } = process.env;
  return path?.endsWith("npm-cli.js") && existsSync(path) ? [process.execPath, path] : ["npm"];
}

function withoutWorkspace(env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^npm_config_workspaces?$/i.test(name)));
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    await ensureInstalled();
  } catch (error) {
    console.error(`The dependencies could not be installed: ${error.message}`);
    process.exit(1);
  }
}
