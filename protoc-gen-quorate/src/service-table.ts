import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { type CallType, callTypeOf } from "./call-type.js";
import { GenerationError, type Problem, problemOf } from "./generation-error.js";

/** One line of the table of a service. */
export interface TableEntry {
  readonly method: DescMethod;
  readonly callType: CallType;
}

/** What is generated for a service: its methods, in the order of the .proto file. */
export interface ServiceTable {
  readonly service: DescService;
  readonly entries: readonly TableEntry[];
}

/**
 * Reads the tables of services.
 * @throws GenerationError with the problems of all of them, in the order of the methods.
 */
export function serviceTables(services: readonly DescService[]): ServiceTable[] {
  const problems: Problem[] = [];
  const tables = services.map((service) => ({ service, entries: tableEntries(service, problems) }));
  if (problems.length > 0) throw new GenerationError(problems);
  return tables;
}

function tableEntries(service: DescService, problems: Problem[]): TableEntry[] {
  const entries: TableEntry[] = [];
  for (const method of service.methods) {
    problems.push(...nameProblems(method));
    try {
      entries.push({ method, callType: callTypeOf(method) });
    } catch (error) {
      if (!(error instanceof GenerationError)) throw error;
      problems.push(...error.problems);
    }
  }
  return entries;
}

// The first letter of a method becomes small in TypeScript, so `Get` and `get` would be one property.
function nameProblems(method: DescMethod): Problem[] {
  const twin = method.parent.methods.find((other) => other.localName === method.localName);
  if (twin === undefined || twin === method) return [];
  return [
    problemOf(
      method,
      `has the same name in TypeScript as ${twin.name}: ${method.localName}; rename one of them`,
    ),
  ];
}
