import { fromBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import type { IncomingRequest } from "../../../internal/stream/request-handler.js";
import { Metadata } from "../../../internal/wire/metadata.js";
import { emptyConfiguration } from "../../../src/configuration/node-set.js";
import { PeerNode } from "../../../src/configuration/peer-node.js";
import { openConnection } from "../../../src/server/connection.js";
import { readPeerOptions } from "../../../src/server/peer-options.js";
import { EvictedRequestSchema } from "../../../src/sessions/gen/quorate/session/v1/session_pb.js";
import { SessionStream } from "../../../src/sessions/server/session-stream.js";
import { eventually } from "../../helpers/eventually.js";
import { checkLeaks } from "../../helpers/leaks.js";
import { type OpenedPair, openPair } from "../../helpers/open-pair.js";
import { id } from "../table/test-table.js";

checkLeaks();

/** A stream of a peer, and the numbers that the peer is told on it. */
function open() {
  const told: bigint[] = [];
  const pair = openPair({
    dialling: async (request: IncomingRequest) => {
      request.declareOneWay();
      told.push(fromBinary(EvictedRequestSchema, request.payload).session);
    },
  });
  return { ...pair, told };
}

function streamOn(node: PeerNode | undefined, pair: OpenedPair): SessionStream {
  const connection = openConnection("memory:1", Metadata.empty);
  const none = () => emptyConfiguration;
  const context = {
    connection,
    caller: node,
    stream: () => pair.accepting.stream,
    peers: none,
    clients: none,
  };
  return new SessionStream(context, true);
}

describe("SessionStream", () => {
  it("tells of the end of a session on itself, and never on a newer stream of the same peer", async () => {
    const { calls } = readPeerOptions({});
    const older = open();
    const newer = open();
    const node = new PeerNode(3, "127.0.0.1:3", calls, older.accepting);
    const stream = streamOn(node, older);
    stream.evict(id(1), 7, "expired");
    await eventually(() => older.told.length === 1);
    node.channel = newer.accepting;
    stream.evict(id(1), 8, "expired");
    streamOn(node, newer).evict(id(1), 9, "takenOver");
    await eventually(() => newer.told.includes(9n));
    expect([older.told, newer.told]).toEqual([[7n], [9n]]);
    older.close();
    newer.close();
  });

  it("tells nobody who has no way back", () => {
    const pair = open();
    streamOn(undefined, pair).evict(id(1), 7, "expired");
    expect(pair.accepting.pendingCalls).toBe(0);
    pair.close();
  });
});
