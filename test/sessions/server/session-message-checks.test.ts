import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { Code } from "../../../internal/errors/code.js";
import {
  KeepAliveRequestSchema,
  RegisterRequestSchema,
  UnregisterRequestSchema,
} from "../../../src/sessions/gen/quorate/session/v1/session_pb.js";
import { fromHex } from "../../../src/sessions/hex.js";
import {
  readKeepAlive,
  readRegister,
  readUnregister,
} from "../../../src/sessions/server/session-message-checks.js";
import { id } from "../table/test-table.js";

const clusterId = id(0xc1);
const client = fromHex(id(1));
const nonce = fromHex(id(2));
const badStamp = expect.objectContaining({ code: Code.InvalidArgument, reason: "BAD_STAMP" });
const register = (init: MessageInitShape<typeof RegisterRequestSchema>) =>
  readRegister(create(RegisterRequestSchema, init), clusterId);

describe("readRegister", () => {
  it("reads one", () => {
    const fields = { client: id(1), nonce: id(2), previous: 7 };
    expect(register({ client, nonce, previous: 7n })).toEqual(fields);
    expect(register({ client, nonce, previous: 7n, clusterId: fromHex(clusterId) })).toEqual(fields);
  });

  it.each([
    ["without a client id", { nonce }],
    ["with a client id of zero", { client: new Uint8Array(16), nonce }],
    ["with a client id of 17 bytes", { client: new Uint8Array(17).fill(1), nonce }],
    ["without a nonce", { client }],
    ["with a nonce of 15 bytes", { client, nonce: new Uint8Array(15) }],
    ["with a previous above 2^53-1", { client, nonce, previous: 2n ** 53n }],
    ["with a cluster id of 3 bytes", { client, nonce, clusterId: new Uint8Array(3) }],
  ])("refuses one %s", (_, init) => {
    expect(() => register(init)).toThrow(badStamp);
  });

  it("refuses one for another cluster", () => {
    expect(() => register({ client, nonce, clusterId: fromHex(id(0xc2)) })).toThrow(
      expect.objectContaining({ code: Code.FailedPrecondition, reason: "WRONG_CLUSTER" }),
    );
  });
});

describe("readKeepAlive and readUnregister", () => {
  it("read them", () => {
    const keepAlive = create(KeepAliveRequestSchema, { client, session: 5n, respondedTo: 2n });
    expect(readKeepAlive(keepAlive)).toEqual({ client: id(1), session: 5, respondedTo: 2 });
    const unregister = create(UnregisterRequestSchema, { client, session: 5n });
    expect(readUnregister(unregister)).toEqual({ client: id(1), session: 5 });
  });

  it.each([
    ["without a session", { client }],
    ["with a session above 2^53-1", { client, session: 2n ** 53n }],
    ["without a client id", { session: 5n }],
    ["with a client id of zero", { client: new Uint8Array(16), session: 5n }],
  ])("refuse one %s", (_, init) => {
    expect(() => readKeepAlive(create(KeepAliveRequestSchema, init))).toThrow(badStamp);
    expect(() => readUnregister(create(UnregisterRequestSchema, init))).toThrow(badStamp);
  });

  it("refuse a responded-to above 2^53-1", () => {
    const init = { client, session: 5n, respondedTo: 2n ** 53n };
    expect(() => readKeepAlive(create(KeepAliveRequestSchema, init))).toThrow(badStamp);
  });
});
