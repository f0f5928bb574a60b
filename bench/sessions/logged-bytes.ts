import { create, toBinary } from "@bufbuild/protobuf";
import { encodeFrame } from "../../src/sessions/commit-log/frame.js";
import { encodeLogRecord } from "../../src/sessions/record/encode-log-record.js";
import { payloadBytes } from "./echo-client.js";
import { EchoMessageSchema } from "./gen/bench/sessions/v1/echo_pb.js";

/** How many bytes one request of the benchmark takes in the file of a log that syncs it by itself. */
export function loggedBytes(): number {
  const message = create(EchoMessageSchema, { payload: new Uint8Array(payloadBytes) });
  const entry = encodeLogRecord({
    id: { incarnation: "01".repeat(16), counter: 100_000 },
    timestampMs: Date.now(),
    entry: {
      kind: "request",
      stamp: {
        client: "02".repeat(16),
        session: 100,
        request: 100_000,
        respondedTo: 99_999,
        digest: "03".repeat(8),
      },
      method: "bench.sessions.v1.CountedEcho.Echo",
      payload: toBinary(EchoMessageSchema, message),
    },
  });
  return encodeFrame({ batch: 1, firstOp: 1, entries: [entry] }, 0).byteLength;
}
