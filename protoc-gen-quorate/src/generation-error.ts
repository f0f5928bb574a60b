import type { DescMethod } from "@bufbuild/protobuf";
import { sourcePosition } from "./source-position.js";

/** Why one method cannot be generated, and where it stands. Line and column count from 1. */
export interface Problem {
  readonly file: string;
  readonly line: number | undefined;
  readonly column: number | undefined;
  readonly message: string;
}

/** Thrown for methods that cannot be generated. Carries every problem that was found, not just the first. */
export class GenerationError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join("\n"));
    this.name = "GenerationError";
    this.problems = problems;
  }
}

/** States a problem of a method, which the message names as `Service.Method`. */
export function problemOf(method: DescMethod, message: string): Problem {
  const position = sourcePosition(method);
  return {
    file: method.parent.file.proto.name,
    line: position?.line,
    column: position?.column,
    message: `${method.parent.name}.${method.name}: ${message}`,
  };
}

function formatProblem({ file, line, column, message }: Problem): string {
  return line === undefined || column === undefined
    ? `${file}: ${message}`
    : `${file}:${line}:${column}: ${message}`;
}
