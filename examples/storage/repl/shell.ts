import type { CallOptions, Configuration } from "quorate";

/** What the commands work with. */
export interface Shell {
  /** The nodes, which commands name by their place in it, from 0 on. */
  readonly configuration: Configuration;
  /** How the calls are made, with a time-out at least. */
  readonly callOptions: CallOptions & { readonly timeoutMs: number };
  readonly print: (line: string) => void;
}
