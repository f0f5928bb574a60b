import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";

/** A folder that is removed with all that is in it. */
export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
}

/** Makes a folder in this one, which is made if it is missing. */
export async function temporaryFolder(directory: string): Promise<TemporaryFolder> {
  await mkdir(directory, { recursive: true });
  const path = await mkdtemp(join(directory, "quorate-bench-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
