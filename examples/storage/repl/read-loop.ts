import { createInterface } from "node:readline";
import { runLine } from "./commands.js";
import { help } from "./help.js";
import type { Shell } from "./shell.js";

/** Where commands come from. */
export interface ReadLoopOptions {
  readonly input: NodeJS.ReadableStream;
  /** The terminal, which shows a prompt and has a history; undefined for input that is piped in. */
  readonly terminal?: NodeJS.WritableStream | undefined;
  /** Ends the loop. */
  readonly signal: AbortSignal;
}

/** Runs the commands of the input in order, one after the other, until `exit`, the end of the input, or the signal. */
export async function runReadLoop(shell: Shell, { input, terminal, signal }: ReadLoopOptions): Promise<void> {
  if (signal.aborted) return;
  const lines = createInterface(
    terminal === undefined ? { input } : { input, output: terminal, terminal: true, prompt: "> " },
  );
  const prompt = () => {
    if (terminal !== undefined && !signal.aborted) lines.prompt();
  };
  const stop = () => lines.close();
  signal.addEventListener("abort", stop, { once: true });
  try {
    if (terminal !== undefined) shell.print(help);
    prompt();
    for await (const line of lines) {
      if (signal.aborted || (await runLine(line, shell)) === "end") return;
      prompt();
    }
  } finally {
    signal.removeEventListener("abort", stop);
    lines.close();
  }
}
