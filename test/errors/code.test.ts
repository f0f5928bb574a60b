import { status as grpcStatus } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { Code, codeFromNumber, codeName } from "../../internal/errors/code.js";

const codes = Object.entries(Code);

describe("Code", () => {
  it("has the numbers 0 to 16, each once", () => {
    expect(codes.map(([, code]) => code)).toEqual(Array.from({ length: 17 }, (_, number) => number));
  });

  it("has the numbers of grpc-js under the same names", () => {
    const ours = codes.map(([name, code]) => [name.toLowerCase().replace("canceled", "cancelled"), code]);
    const theirs = Object.entries(grpcStatus)
      .filter(([, number]) => typeof number === "number")
      .map(([name, number]) => [name.toLowerCase().replaceAll("_", ""), number]);
    expect(Object.fromEntries(ours)).toEqual(Object.fromEntries(theirs));
  });
});

describe("codeName and codeFromNumber", () => {
  it.each(codes)("%s", (name, code) => {
    expect(codeName(code)).toBe(name);
    expect(codeFromNumber(code)).toBe(code);
  });

  it.each([-1, 17, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("%d is Unknown", (number) => {
    expect(codeFromNumber(number)).toBe(Code.Unknown);
    expect(codeName(number as Code)).toBe("Unknown");
  });
});
