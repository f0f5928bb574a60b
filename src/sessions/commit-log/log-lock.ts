import { randomBytes, randomInt } from "node:crypto";
import { type FileHandle, open, readdir, rename, rm } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Code } from "../../../internal/errors/code.js";
import { invalidArgument, QuorateError } from "../../../internal/errors/quorate-error.js";

/**
 * Keeps everybody else out of the folder until what it resolves with is called, or this process is gone.
 *
 * A holder listens on a socket in the folder, under a name that nobody else ever has. The kernel closes it with the
 * process, however that ends and not before the last write of it has returned, so a socket that refuses is stale and
 * one that answers is not: unlike with the id of a process there is nothing to guess, also from another container.
 * Whoever wants the lock first shows a socket of its own and then looks for others. Of two, the one that was shown
 * later sees the earlier one and steps back; both may, but they never both stay.
 *
 * A socket reaches no other machine: a folder that several machines have mounted is not protected.
 *
 * @throws QuorateError FailedPrecondition, `LOG_LOCKED`, if somebody has it; the error of the system where sockets
 * cannot be made in the folder.
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  const handle = await open(directory, "r");
  try {
    const pathOf = socketPaths(resolve(directory), handle);
    for (let attempt = 1; attempt <= maxAttempts; attempt++) {
      const release = await attemptLock(directory, pathOf);
      if (release !== undefined) {
        return async () => {
          await release();
          await handle.close();
        };
      }
      if (attempt < maxAttempts) await wait(randomInt(5, 30));
    }
  } catch (error) {
    await handle.close();
    throw error;
  }
  await handle.close();
  throw new QuorateError(Code.FailedPrecondition, `quorate: the commit log in ${directory} is in use`, {
    reason: "LOG_LOCKED",
  });
}

/** Two who step back for each other try again; a holder stays. */
const maxAttempts = 4;

const lockName = /^lock-[0-9a-f]{16}(?<unshown>\.new)?$/;

/** The address of a socket has room for 107 bytes (103 on macOS), and what is longer is cut off without a word. */
const maxPathBytes = 100;

type PathOf = (name: string) => string;

function socketPaths(directory: string, { fd }: FileHandle): PathOf {
  const longest = Buffer.byteLength(resolve(directory, `lock-${"0".repeat(16)}.new`));
  if (longest <= maxPathBytes) return (name) => resolve(directory, name);
  if (process.platform === "linux") return (name) => `/proc/self/fd/${fd}/${name}`;
  throw invalidArgument(
    `the folder of a commit log has a path of at most ${maxPathBytes - 26} bytes here: ${directory}`,
  );
}

async function attemptLock(directory: string, pathOf: PathOf): Promise<(() => Promise<void>) | undefined> {
  const own = `lock-${randomBytes(8).toString("hex")}`;
  const server = await listen(pathOf(`${own}.new`));
  const release = async () => {
    try {
      await rm(resolve(directory, own), { force: true });
    } finally {
      await new Promise((closed) => server.close(closed));
    }
  };
  try {
    // Shown only now that it listens: before, others would take it for stale.
    if (!(await shown(directory, own))) return await release().then(() => undefined);
    if (!(await isAlone(directory, own, pathOf))) return await release().then(() => undefined);
    return release;
  } catch (error) {
    await release();
    throw error;
  }
}

async function listen(path: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((listening, failed) => {
    server.once("error", failed);
    // In a worker of a cluster the socket would otherwise be one of the primary, shared with the other workers.
    server.listen({ path, exclusive: true }, listening);
  });
  // A connection that could not be accepted was answered by the kernel, which is all that it was for.
  server.on("error", () => {});
  return server.unref();
}

/** False if another took the socket for stale before it listened, and removed it. */
async function shown(directory: string, own: string): Promise<boolean> {
  try {
    await rename(resolve(directory, `${own}.new`), resolve(directory, own));
    return true;
  } catch (error) {
    if (isError(error, "ENOENT")) return false;
    throw error;
  }
}

/** Removes stale sockets. False if another than the own one is shown and answers. */
async function isAlone(directory: string, own: string, pathOf: PathOf): Promise<boolean> {
  for (const name of await readdir(directory)) {
    const match = lockName.exec(name);
    if (match === null || name === own) continue;
    if (!(await answers(pathOf(name)))) await rm(resolve(directory, name), { force: true });
    // One that is not shown yet will look after it is, and then sees the own one.
    else if (match.groups?.["unshown"] === undefined) return false;
  }
  return true;
}

/** Whether somebody listens there. What is neither a yes nor a no counts as yes. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolved) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolved(true);
    });
    socket.once("error", (error) => resolved(!isError(error, "ECONNREFUSED") && !isError(error, "ENOENT")));
  });
}

function isError(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
