import type { ServerInterceptor } from "quorate";
import { addMetadata } from "./add-metadata.js";
import { delayed } from "./delayed.js";
import { logging } from "./logging.js";
import { noFoo } from "./no-foo.js";

/** An interceptor of the example by its name. */
export type ServerInterceptorName = "logging" | "nofoo" | "metadata" | "delayed";

/** Reads names with commas between them. Throws an error that names the one that there is not. */
export function parseInterceptors(list: string): ServerInterceptorName[] {
  const names = list.split(",").map((name) => name.trim());
  return names.filter((name) => name !== "").map(nameOf);
}

/** Makes the interceptors with these names, in this order. */
export function createInterceptors(
  names: readonly ServerInterceptorName[],
  log: (line: string) => void,
): ServerInterceptor[] {
  return names.map((name) => factories[name](log));
}

const factories: Readonly<Record<ServerInterceptorName, (log: (line: string) => void) => ServerInterceptor>> =
  {
    logging,
    nofoo: noFoo,
    metadata: () => addMetadata({ customKey: "customValue" }),
    delayed: () => delayed(100),
  };

function nameOf(name: string): ServerInterceptorName {
  if (isName(name)) return name;
  throw new Error(`Unknown interceptor: ${name}; there are ${Object.keys(factories).join(", ")}`);
}

function isName(name: string): name is ServerInterceptorName {
  return Object.hasOwn(factories, name);
}
