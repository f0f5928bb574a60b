/** What is there; the test fails if it is not. */
export function present<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error("it is not there");
  return value;
}
