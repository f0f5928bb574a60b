import { afterEach, beforeEach } from "vitest";
import { openDeadlines } from "../../internal/util/deadlines.js";
import { eventually } from "./eventually.js";

/** What keeps a process alive and that a test could forget. The runner's own pipes are not among it. */
const watched = new Set([
  "TCPSocketWrap",
  "TCPServerWrap",
  "Timeout",
  "HTTP2SESSION",
  "ProcessWrap",
  "ChildProcess",
]);

/**
 * Checks after each test of the file that it left nothing open: no socket, no server, no child process, no timer, no
 * deadline of a call. What is closing gets a moment to be closed.
 */
export function checkLeaks(): void {
  let before: Map<string, number>;
  beforeEach(() => {
    before = openResources();
  });
  afterEach(async () => {
    let leaked: string[] = [];
    await eventually(() => {
      leaked = leakedSince(before);
      return leaked.length === 0;
    }).catch(() => {
      throw new Error(`the test left open: ${leaked.join(", ")}`);
    });
  });
}

/** What there is more of than there was before, in words. */
export function leakedSince(before: ReadonlyMap<string, number>): string[] {
  return [...openResources()]
    .filter(([kind, count]) => count > (before.get(kind) ?? 0))
    .map(([kind, count]) => `${kind}: ${count} (${before.get(kind) ?? 0} before)`);
}

/** How much is open now of each kind that is watched. */
export function openResources(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    if (watched.has(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  counts.set("deadlines", openDeadlines());
  return counts;
}
