import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import { GenesisSchema } from "../../../src/sessions/gen/quorate/session/v1/log_record_pb.js";
import { fromHex } from "../../../src/sessions/hex.js";
import { decodeGenesis, encodeGenesis } from "../../../src/sessions/record/genesis.js";
import { proposedLimits } from "../../../src/sessions/session-limits.js";
import { id } from "../table/test-table.js";

const limits = proposedLimits({ maxSessions: 8 });
const clusterId = fromHex(id(0xc1));
const damaged = expect.objectContaining({ code: Code.DataLoss, reason: "DAMAGED_ENTRY" });
const unknown = expect.objectContaining({ code: Code.Unimplemented, reason: "UNKNOWN_ENTRY" });

describe("a genesis", () => {
  it("is read back as it was written", () => {
    const genesis = { clusterId: id(0xc1), format: 1, limits };
    expect(decodeGenesis(encodeGenesis(genesis))).toEqual(genesis);
  });

  it.each([
    ["a newer format", { clusterId, format: 2, limits }, unknown],
    ["no format", { clusterId, limits }, unknown],
    ["no cluster id", { format: 1, limits }, damaged],
    ["no limits", { clusterId, format: 1 }, damaged],
    [
      "limits that contradict each other",
      { clusterId, format: 1, limits: { ...limits, tickMs: 600_000 } },
      damaged,
    ],
  ])("with %s is refused", (_, init, error) => {
    expect(() => decodeGenesis(toBinary(GenesisSchema, create(GenesisSchema, init)))).toThrow(error);
  });

  it("with an unknown field is refused: another version knows more of this log", () => {
    const bytes = encodeGenesis({ clusterId: id(0xc1), format: 1, limits });
    expect(() => decodeGenesis(Uint8Array.from([...bytes, 0x78, 0x01]))).toThrow(unknown);
  });

  it("that is something else is refused", () => {
    expect(() => decodeGenesis(Uint8Array.of(0xff, 0xff))).toThrow(damaged);
  });
});
