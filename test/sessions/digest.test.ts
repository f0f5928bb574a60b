import { describe, expect, it } from "vitest";
import { requestDigest } from "../../src/sessions/digest.js";
import { text } from "./table/test-table.js";

describe("requestDigest", () => {
  it.each([
    // The first 16 digits of `printf 'bank.v1.Bank.Pay\0ten' | sha256sum`, and so on.
    { method: "bank.v1.Bank.Pay", payload: "ten", digest: "cf9a6febacc0c0b1" },
    { method: "m", payload: "", digest: "187355b101e4d1f6" },
  ])(
    "is the head of SHA-256 over method, zero and payload: $method $payload",
    ({ method, payload, digest }) => {
      expect(requestDigest(method, text(payload))).toBe(digest);
    },
  );

  it("tells the end of the method from the start of the payload", () => {
    expect(requestDigest("ab", text("c"))).not.toBe(requestDigest("a", text("bc")));
  });
});
