/**
 * The status codes of gRPC, by their names in the gRPC documentation.
 *
 * Source: https://grpc.io/docs/guides/status-codes/
 */
export const Code: {
  readonly Ok: 0;
  readonly Canceled: 1;
  readonly Unknown: 2;
  readonly InvalidArgument: 3;
  readonly DeadlineExceeded: 4;
  readonly NotFound: 5;
  readonly AlreadyExists: 6;
  readonly PermissionDenied: 7;
  readonly ResourceExhausted: 8;
  readonly FailedPrecondition: 9;
  readonly Aborted: 10;
  readonly OutOfRange: 11;
  readonly Unimplemented: 12;
  readonly Internal: 13;
  readonly Unavailable: 14;
  readonly DataLoss: 15;
  readonly Unauthenticated: 16;
} = {
  Ok: 0,
  Canceled: 1,
  Unknown: 2,
  InvalidArgument: 3,
  DeadlineExceeded: 4,
  NotFound: 5,
  AlreadyExists: 6,
  PermissionDenied: 7,
  ResourceExhausted: 8,
  FailedPrecondition: 9,
  Aborted: 10,
  OutOfRange: 11,
  Unimplemented: 12,
  Internal: 13,
  Unavailable: 14,
  DataLoss: 15,
  Unauthenticated: 16,
};

/** One of the numbers of {@link Code}. */
export type Code = (typeof Code)[keyof typeof Code];

/** The key of a code in {@link Code}, such as `Unavailable`. */
export function codeName(code: Code): keyof typeof Code {
  return names[code] ?? "Unknown";
}

/** The code with this number; `Unknown` for a number that gRPC does not define, as the gRPC specification asks. */
export function codeFromNumber(number: number): Code {
  const name = names[number];
  return name === undefined ? Code.Unknown : Code[name];
}

const names = Object.fromEntries(Object.entries(Code).map(([name, code]) => [code, name])) as Partial<
  Record<number, keyof typeof Code>
>;
