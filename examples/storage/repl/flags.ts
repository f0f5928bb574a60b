import { parseArgs } from "node:util";
import { parseInterceptors, type ServerInterceptorName } from "../interceptors/parse-interceptors.js";
import { splitAddresses } from "./addresses.js";

/** What the program is to do. */
export type Flags =
  | { readonly kind: "help" }
  /** A server process for each address. */
  | ({ readonly kind: "cluster" } & ServerFlags)
  /** One of those servers. */
  | ({ readonly kind: "serve"; readonly address: string } & ServerFlags)
  /** A client of servers that run elsewhere. */
  | { readonly kind: "client"; readonly addresses: readonly string[]; readonly timeoutMs: number }
  /** Four servers in this process, and a client. */
  | {
      readonly kind: "local";
      readonly interceptors: readonly ServerInterceptorName[];
      readonly timeoutMs: number;
    };

interface ServerFlags {
  readonly addresses: readonly string[];
  readonly interceptors: readonly ServerInterceptorName[];
  /** How long a server waits for all others to connect. */
  readonly waitMs: number;
}

/** What `--help` prints. */
export const usage = `npm run repl [-- flags]

(no flags)              four servers in this process, and a client that takes commands
--addrs a,b,c           a client of the servers at these addresses
--cluster --addrs a,b,c one server process for each address, until Ctrl-C or SIGTERM
--serve --addrs a,b,c   one server, at the first address; the others are its peers
  --address b           its own address, if it is not the first of the list
--interceptors x,y      what every server runs before its handlers, in this order:
                        logging, nofoo, metadata, delayed
--timeout-ms 2000       how long one call of the client may take
--wait-ms 10000         how long a server waits for its peers to connect
--help                  this text`;

/** Which flags each way of running takes. */
const taken = {
  cluster: ["cluster", "addrs", "interceptors", "wait-ms"],
  serve: ["serve", "addrs", "address", "interceptors", "wait-ms"],
  client: ["addrs", "timeout-ms"],
  local: ["interceptors", "timeout-ms"],
} as const;

/** Reads the flags; one dash before a long name will do. Throws an error that names the flag and what is wrong. */
export function readFlags(args: readonly string[]): Flags {
  const { values } = parseArgs({
    // Go programs are given their long flags so.
    args: args.map((word) => word.replace(/^-(?=[a-z]{2})/, "--")),
    options: {
      cluster: { type: "boolean" },
      serve: { type: "boolean" },
      addrs: { type: "string" },
      address: { type: "string" },
      interceptors: { type: "string" },
      "timeout-ms": { type: "string" },
      "wait-ms": { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help) return { kind: "help" };
  const kind = values.cluster
    ? "cluster"
    : values.serve
      ? "serve"
      : values.addrs === undefined
        ? "local"
        : "client";
  const allowed: readonly string[] = taken[kind];
  const odd = Object.keys(values).find((name) => !allowed.includes(name));
  if (odd !== undefined) throw new Error(`--${odd} cannot be used here: see --help`);

  const interceptors = parseInterceptors(values.interceptors ?? "");
  const timeoutMs = milliseconds("timeout-ms", values["timeout-ms"] ?? "2000");
  if (kind === "local") return { kind, interceptors, timeoutMs };
  const addresses = splitAddresses(values.addrs ?? "");
  const [first] = addresses;
  if (first === undefined) throw new Error("--addrs needs the address of one server at least");
  if (kind === "client") return { kind, addresses, timeoutMs };
  const servers = { addresses, interceptors, waitMs: milliseconds("wait-ms", values["wait-ms"] ?? "10000") };
  if (kind === "cluster") return { kind, ...servers };
  return { kind, address: values.address ?? first, ...servers };
}

function milliseconds(name: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new Error(`--${name} must be a number of milliseconds from 1 on; it is "${text}"`);
}
