import type { Configuration } from "quorate";
import { runReadLoop } from "../repl/read-loop.js";

/** How {@link runClient} takes commands. */
export interface ClientOptions {
  /** How long one call may take. */
  readonly timeoutMs: number;
  /** Ends it, and the call under way. */
  readonly signal: AbortSignal;
}

/** Takes commands from stdin for these servers: with a prompt and a history at a terminal, else line by line. */
export async function runClient(
  configuration: Configuration,
  { timeoutMs, signal }: ClientOptions,
): Promise<void> {
  const shell = {
    configuration,
    callOptions: { timeoutMs, signal },
    print: (line: string) => console.log(line),
  };
  const { stdin, stdout } = process;
  const terminal = stdin.isTTY && stdout.isTTY ? stdout : undefined;
  await runReadLoop(shell, { input: stdin, terminal, signal });
}
