import { describe, expect, it } from "vitest";
import { Code } from "../../internal/errors/code.js";
import { QuorateError } from "../../internal/errors/quorate-error.js";
import { toHex } from "../../src/sessions/hex.js";
import { errorReply, limitedReply } from "../../src/sessions/reply.js";
import { refusal } from "../../src/sessions/session-errors.js";
import { sha256 } from "../../src/sessions/table/encode-snapshot.js";

const hash = (bytes: Uint8Array) => toHex(sha256(bytes)).slice(0, 16);

describe("errorReply", () => {
  it("makes the same bytes of the same error", () => {
    const make = () =>
      errorReply(new QuorateError(Code.NotFound, "no such account", { reason: "NO_ACCOUNT" }));
    expect(make()).toEqual(make());
    expect(make().kind).toBe("status");
  });
});

describe("the replies that the table makes itself", () => {
  // Servers of two versions must make the same ones: another text is another format of the log.
  it.each([
    ["OUTCOME_UNKNOWN", errorReply(refusal("OUTCOME_UNKNOWN")), "6a8d7044dcbf69a9"],
    ["REPLY_TOO_LARGE", limitedReply({ kind: "payload", bytes: new Uint8Array(11) }, 10), "f685a2bd760fc24e"],
  ])("%s stays as it is, to the byte", (_, reply, expected) => {
    expect(hash(reply.bytes)).toBe(expected);
  });
});
