import { afterEach, beforeEach } from "vitest";
import { turn } from "./turn.js";

/** Fails each test of the file in which something happens that would end the process. To be called at the top. */
export function failOnUnhandled(): void {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => void unhandled.push(reason);
  beforeEach(() => {
    unhandled.length = 0;
    process.on("unhandledRejection", note);
    process.on("uncaughtException", note);
  });
  afterEach(async () => {
    // Node tells of unhandled rejections between two turns.
    await turn();
    process.off("unhandledRejection", note);
    process.off("uncaughtException", note);
    if (unhandled.length > 0) throw new Error("the process would have ended", { cause: unhandled });
  });
}
