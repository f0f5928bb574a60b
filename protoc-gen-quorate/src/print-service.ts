import type { GeneratedFile, Printable } from "@bufbuild/protoplugin";
import type { ServiceTable, TableEntry } from "./service-table.js";

const runtime = "quorate";

/** Prints the table of one service: a type whose methods carry the comments of the .proto file, and its literal. */
export function printService(file: GeneratedFile, { service, entries }: ServiceTable): void {
  const descriptor = file.importSchema(service);
  const serviceType = file.import("QuorateService", runtime, true);
  const defineService = file.import("defineService", runtime);
  file.print(file.jsDoc(service));
  file.print(
    [file.export("const", descriptor.name), ": ", serviceType, "<typeof ", descriptor, ", "],
    braced(entries.map((entry) => typeLines(file, entry))),
    ["> = /*@__PURE__*/ ", defineService, "(", descriptor, ", "],
    braced(entries.map((entry) => valueLine(file, entry))),
    ");",
  );
}

function typeLines(file: GeneratedFile, { method, callType }: TableEntry): Printable[] {
  return [
    [file.jsDoc(method, "  "), "\n"],
    ["  readonly ", method.localName, ": ", file.string(callType), ";\n"],
  ];
}

function valueLine(file: GeneratedFile, { method, callType }: TableEntry): Printable[] {
  return ["  ", method.localName, ": ", file.string(callType), ",\n"];
}

function braced(lines: readonly Printable[]): Printable[] {
  return lines.length === 0 ? ["{}"] : ["{\n", ...lines, "}"];
}
