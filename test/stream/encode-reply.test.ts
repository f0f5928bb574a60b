import { describe, expect, it } from "vitest";
import { encodeReply } from "../../internal/stream/encode-reply.js";
import { StreamRequest } from "../../internal/stream/stream-request.js";
import { decodeEnvelope } from "../../internal/wire/decode-envelope.js";
import { message } from "../helpers/fake-stream.js";

describe("encodeReply", () => {
  it.each([false, true])(
    "[SI-04] repeats number and method of the request and nothing else of it, also with the high bit: %s",
    (serverInitiated) => {
      const entries = [{ key: "id", value: "1" }];
      const method = "test.Test.Method";
      const bytes = message({
        number: 100,
        serverInitiated,
        method,
        payload: "request",
        entries,
        timeoutMs: 5,
      });
      const owner = { answer: () => true, released: () => {}, done: () => {} };
      const request = new StreamRequest(decodeEnvelope(bytes), bytes.length, owner);
      const reply = decodeEnvelope(encodeReply(request, new Uint8Array(), 1 << 20).bytes);
      expect(reply).toMatchObject({ number: 100, serverInitiated, method, entries: [], timeoutMs: 0 });
      expect(reply.payload).toHaveLength(0);
      expect(reply.status).toBeUndefined();
    },
  );
});
