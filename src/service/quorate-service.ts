import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { invalidArgument } from "../../internal/errors/quorate-error.js";

/**
 * How a method is called: `rpc` and `unicast` at one node, `multicast`, `quorumCall` and `correctable` at every node
 * of a configuration. `unicast` and `multicast` are one-way: nothing is sent back.
 */
export type CallType = "rpc" | "unicast" | "multicast" | "quorumCall" | "correctable";

/** The call type of each method of a service, by its local name. */
export type CallTypes<Desc extends DescService = DescService> = {
  readonly [Name in keyof Desc["method"]]: CallType;
};

/** A service as `protoc-gen-quorate` writes it: its descriptor, and the call type of each method. */
export interface QuorateService<
  Desc extends DescService = DescService,
  Types extends CallTypes<Desc> = CallTypes<Desc>,
> {
  readonly descriptor: Desc;
  readonly callTypes: Types;
}

/**
 * Makes a service of its descriptor and its table; generated code calls this.
 *
 * @throws QuorateError InvalidArgument if the table does not fit the descriptor: generate both again, together.
 */
export function defineService<Desc extends DescService, const Types extends CallTypes<Desc>>(
  descriptor: Desc,
  callTypes: Types,
): QuorateService<Desc, Types> {
  const table: { readonly [name: string]: CallType | undefined } = callTypes;
  const missing = descriptor.methods.find((method) => table[method.localName] === undefined);
  if (missing !== undefined || Object.keys(table).length !== descriptor.methods.length) {
    const what = missing === undefined ? "has methods too many" : `lacks the method ${missing.localName}`;
    throw invalidArgument(`the table of ${descriptor.typeName} ${what}; generate the code again`);
  }
  const strange = Object.entries(table).find(([, type]) => !callTypeNames.has(type));
  if (strange !== undefined) {
    const [name, type] = strange;
    throw invalidArgument(
      `the table of ${descriptor.typeName} has the call type "${type}" for ${name}, which this version of quorate ` +
        "does not know; install the one that the generator belongs to",
    );
  }
  return Object.freeze({ descriptor, callTypes });
}

const callTypeNames: ReadonlySet<unknown> = new Set<CallType>([
  "rpc",
  "unicast",
  "multicast",
  "quorumCall",
  "correctable",
]);

/** The call type of a method in the table of its service. */
export function callTypeOf(service: QuorateService, method: DescMethod): CallType | undefined {
  const table: { readonly [name: string]: CallType | undefined } = service.callTypes;
  return table[method.localName];
}

/** The name of a method on the wire: full, with dots and no leading slash (F-03). */
export function wireName(method: DescMethod): string {
  return `${method.parent.typeName}.${method.name}`;
}
