import type { DescMethod } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, ServiceDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

/** A place in a .proto file. Line and column count from 1, as editors count. */
export interface SourcePosition {
  readonly line: number;
  readonly column: number;
}

/** Finds where a method is declared; undefined for descriptors without source information. */
export function sourcePosition(method: DescMethod): SourcePosition | undefined {
  const service = method.parent;
  const path = [
    FileDescriptorProtoSchema.field.service.number,
    service.file.proto.service.indexOf(service.proto),
    ServiceDescriptorProtoSchema.field.method.number,
    service.proto.method.indexOf(method.proto),
  ];
  const location = service.file.proto.sourceCodeInfo?.location.find((candidate) =>
    isSamePath(candidate.path, path),
  );
  const [line, column] = location?.span ?? [];
  if (line === undefined || column === undefined) return undefined;
  return { line: line + 1, column: column + 1 };
}

function isSamePath(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((step, index) => step === right[index]);
}
