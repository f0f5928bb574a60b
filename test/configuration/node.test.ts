import { Code, QuorateError } from "quorate";
import { describe, expect, it } from "vitest";
import { PeerNode } from "../../src/configuration/peer-node.js";
import { fakeChannel, settings, testNode } from "./test-nodes.js";

const late = new QuorateError(Code.DeadlineExceeded, "too late");
const unreachable = new QuorateError(Code.Unavailable, "connection refused", { reason: "NOT_CONNECTED" });

describe("Node", () => {
  it.each([
    ["127.0.0.1:9081", "127.0.0.1", 9081],
    ["[::1]:9081", "::1", 9081],
    ["[fe80::1%eth0]:9081", "fe80::1%eth0", 9081],
    ["db.example.com:443", "db.example.com", 443],
    // Of dynamic clients, as transports give them.
    ["::1:40312", "::1", 40312],
    ["memory:3", "memory", 3],
    ["unknown", "unknown", undefined],
  ])("[NL-15] knows host and port of %s, and prints id and address", (address, host, port) => {
    const node = new PeerNode(7, address, settings);
    expect(node).toMatchObject({ address, host });
    expect(node.port).toBe(port);
    expect(`${node}`).toBe(`node 7 | addr: ${address}`);
  });

  it("[LC-15] is inbound while the peer opened its stream", () => {
    const node = new PeerNode(7, "127.0.0.1:9081", settings);
    expect(node.inbound).toBe(false);
    node.channel = fakeChannel({ inbound: true });
    expect(node.inbound).toBe(true);
    node.channel = undefined;
    expect(node.inbound).toBe(false);
  });
});

describe("the latency of a Node", () => {
  it("[SW-09] is the first sample, then four fifths of what it was and one of the new sample", () => {
    const node = testNode(1);
    expect(node.latencyMs).toBeUndefined();
    node.recordReply(100);
    expect(node.latencyMs).toBe(100);
    node.recordReply(50);
    expect(node.latencyMs).toBeCloseTo(0.8 * 100 + 0.2 * 50);
    node.recordReply(0);
    expect(node.latencyMs).toBeCloseTo(0.8 * 90);
  });

  it("[SW-09] is not changed by an error that was the answer, nor by a failure", () => {
    const node = testNode(1, { latenciesMs: [100] });
    node.recordReply(undefined);
    node.recordFailure(late);
    expect(node.latencyMs).toBe(100);
  });

  it("takes 0 ms for a sample", () => {
    const node = testNode(1, { latenciesMs: [0] });
    expect(node.latencyMs).toBe(0);
    node.recordReply(10);
    expect(node.latencyMs).toBeCloseTo(2);
  });
});

describe("the last error of a Node", () => {
  it("[W-25] is how the last call failed, until an answer", () => {
    const node = testNode(1);
    expect(node.lastError).toBeUndefined();
    node.recordFailure(late);
    expect(node.lastError).toBe(late);
    node.recordFailure(unreachable);
    expect(node.lastError).toBe(unreachable);
    node.recordReply(undefined);
    expect(node.lastError).toBeUndefined();
    node.recordFailure(late);
    node.recordReply(12);
    expect(node.lastError).toBeUndefined();
  });

  it("[W-25] is why it cannot be reached, whatever the last call came to", () => {
    let lastError: QuorateError | undefined = unreachable;
    const node = testNode(1);
    node.channel = {
      ...fakeChannel(),
      get lastError() {
        return lastError;
      },
    };
    node.recordReply(5);
    expect(node.lastError).toBe(unreachable);
    node.recordFailure(late);
    expect(node.lastError).toBe(unreachable);
    lastError = undefined;
    expect(node.lastError).toBe(late);
  });

  it("[W-25] of a known peer says that it is not connected while it is away", () => {
    const node = new PeerNode(3, "127.0.0.1:9083", settings);
    expect(node.lastError).toMatchObject({ code: Code.Unavailable, reason: "NOT_CONNECTED" });
    node.channel = fakeChannel();
    expect(node.lastError).toBeUndefined();
    node.channel = undefined;
    expect(node.lastError?.message).toBe(
      "quorate: stream is down: node 3 | addr: 127.0.0.1:9083 is not connected",
    );
  });

  it("[W-25] is forgotten when there is a new stream", () => {
    const node = testNode(1, { error: late });
    node.channel = fakeChannel();
    expect(node.lastError).toBeUndefined();
    node.recordFailure(late);
    node.recordConnected();
    expect(node.lastError).toBeUndefined();
  });
});
