import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { turn } from "./turn.js";

/** How many of these objects are still held by something, after the garbage was collected. */
export async function stillHeld(refs: readonly WeakRef<object>[]): Promise<number> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  // What was looked at in a turn is kept until its end.
  await turn();
  collect();
  return refs.filter((ref) => ref.deref() !== undefined).length;
}
