import { Code, type QuorateEvent } from "quorate";
import { describe, expect, it } from "vitest";
import { InboundManager } from "../../src/server/inbound-manager.js";
import { readPeerOptions } from "../../src/server/peer-options.js";

describe("InboundManager", () => {
  it("[DC-06] refuses a dynamic client when the ids are used up, and never begins again", () => {
    const seen: QuorateEvent[] = [];
    const { calls, events } = readPeerOptions({ onEvent: (event) => seen.push(event) });
    const manager = new InboundManager({
      known: [],
      self: undefined,
      calls,
      maxDynamicClients: 16,
      lastDynamicId: 0xffff_fffc,
      events,
      onPeersChange: undefined,
      onClientsChange: undefined,
    });
    const next = () => manager.nodeFor({ kind: "dynamic" }, "127.0.0.1:5")?.id;
    expect([next(), next()]).toEqual([0xffff_fffd, 0xffff_fffe]);
    for (let again = 0; again < 2; again++) {
      expect(next).toThrow(
        expect.objectContaining({
          code: Code.ResourceExhausted,
          message: "gorums: dynamic client ID space exhausted",
        }) as Error,
      );
    }
    const limit = { kind: "limitReached", limit: "dynamicClients", nodeId: undefined };
    expect(seen).toEqual([limit, limit]);
  });
});
