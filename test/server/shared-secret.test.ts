import { inspect } from "node:util";
import {
  type ArrivingPeer,
  Code,
  type Identity,
  Metadata,
  type MetadataInit,
  type PeerClaim,
  type SharedSecretOptions,
  sharedSecret,
} from "quorate";
import { afterEach, describe, expect, it, vi } from "vitest";
import { rejectionOf } from "../calls/held-cluster.js";

const secret = "correct horse battery staple";
const two: PeerClaim = { kind: "node", id: 2 };
const client: PeerClaim = { kind: "dynamic" };
const plain: PeerClaim = { kind: "plain" };
const signal = new AbortController().signal;

afterEach(() => {
  vi.useRealTimers();
});

/** What server `serverId` says to a stream with this claim and this metadata. */
async function judge(
  { identify }: ReturnType<typeof sharedSecret>,
  claim: PeerClaim,
  proof: MetadataInit,
  serverId: number | undefined = 1,
): Promise<Identity> {
  const metadata = Metadata.from(proof);
  const peer: ArrivingPeer = { claim, remoteAddress: "", metadata, tls: undefined, serverId };
  return identify(peer, signal);
}

async function proofOf(
  { prove }: ReturnType<typeof sharedSecret>,
  claim: PeerClaim,
  serverId: number | undefined = claim.kind === "node" ? 1 : undefined,
): Promise<string> {
  const proof = await prove({ claim, address: "127.0.0.1:9081", serverId }, signal);
  return Metadata.from(proof).get("quorate-proof") ?? "";
}

const refusal = (text: RegExp) => ({
  code: Code.Unauthenticated,
  reason: "NOT_IDENTIFIED",
  message: expect.stringMatching(text) as string,
});

describe("sharedSecret", () => {
  it.each<[string, PeerClaim, Identity]>([
    ["a node", two, { nodeId: 2 }],
    ["a client that can be called", client, {}],
    ["a client that cannot", plain, {}],
  ])("lets in who proves the secret: %s", async (_, claim, identity) => {
    const [theirs, ours] = [sharedSecret(secret), sharedSecret(secret)];
    const proof = await proofOf(theirs, claim);
    expect(await judge(ours, claim, { "quorate-proof": proof })).toEqual(identity);
  });

  it("makes another proof every time, and never shows the secret", async () => {
    const theirs = sharedSecret(secret);
    const proofs = await Promise.all(Array.from({ length: 50 }, () => proofOf(theirs, two)));
    expect(new Set(proofs).size).toBe(50);
    for (const proof of proofs) {
      expect(proof).toMatch(/^1\.\d{13}\.[\w-]{22}\.[\w-]{43}$/);
      expect(proof).not.toContain(secret);
    }
    expect(inspect(theirs, { depth: 9, showHidden: true }) + JSON.stringify(theirs)).not.toContain(secret);
  });

  it("takes bytes, and previous secrets, of which it proves none", async () => {
    const old = sharedSecret(Buffer.from(secret));
    const fresh = sharedSecret("another secret, of this year", { previous: [secret] });
    expect(await judge(fresh, two, { "quorate-proof": await proofOf(old, two) })).toEqual({ nodeId: 2 });
    const error = await rejectionOf(judge(old, two, { "quorate-proof": await proofOf(fresh, two) }));
    expect(error).toMatchObject(refusal(/is not valid/));
  });

  const altered = (proof: string, at: number) =>
    proof.slice(0, at) + (proof[at] === "1" ? "2" : "1") + proof.slice(at + 1);

  it.each<[string, (proof: string) => MetadataInit, PeerClaim, RegExp]>([
    ["none", () => ({}), two, /is missing/],
    ["an empty one", () => ({ "quorate-proof": "" }), two, /is missing/],
    ["two", (proof) => ({ "quorate-proof": [proof, proof] }), two, /cannot be read/],
    ["two in one header", (proof) => ({ "quorate-proof": `${proof}, ${proof}` }), two, /cannot be read/],
    ["another form", (proof) => ({ "quorate-proof": `2${proof.slice(1)}` }), two, /cannot be read/],
    ["one without its code", (proof) => ({ "quorate-proof": proof.slice(0, -44) }), two, /cannot be read/],
    ["one with a shorter code", (proof) => ({ "quorate-proof": proof.slice(0, -1) }), two, /cannot be read/],
    ["another time", (proof) => ({ "quorate-proof": altered(proof, 14) }), two, /is not valid/],
    ["another number", (proof) => ({ "quorate-proof": altered(proof, 20) }), two, /is not valid/],
    ["another code", (proof) => ({ "quorate-proof": altered(proof, 45) }), two, /is not valid/],
    [
      "one for another node",
      (proof) => ({ "quorate-proof": proof }),
      { kind: "node", id: 3 },
      /is not valid/,
    ],
    ["one for a node, of a client", (proof) => ({ "quorate-proof": proof }), client, /is not valid/],
  ])("refuses who brings %s", async (_, metadata, claim, text) => {
    const ours = sharedSecret(secret);
    const proof = await proofOf(sharedSecret(secret), two);
    const error = await rejectionOf(judge(ours, claim, metadata(proof)));
    expect(error).toMatchObject(refusal(text));
    expect(error.message).not.toContain(secret);
  });

  it("refuses who proves another secret", async () => {
    const proof = await proofOf(sharedSecret("a guess of 16 bytes or more"), two);
    expect(await rejectionOf(judge(sharedSecret(secret), two, { "quorate-proof": proof }))).toMatchObject(
      refusal(/is not valid/),
    );
  });

  it("refuses what a replica has proven to another one, also where it was never seen", async () => {
    const proof = await proofOf(sharedSecret(secret), two, 1);
    const error = await rejectionOf(judge(sharedSecret(secret), two, { "quorate-proof": proof }, 3));
    expect(error).toMatchObject(refusal(/for another server/));
  });

  it("refuses a proof that was used before, as long as its time is good", async () => {
    vi.useFakeTimers({ now: 1_700_000_000_000 });
    const ours = sharedSecret(secret);
    const theirs = sharedSecret(secret);
    // Their clock is ahead, so that it can be used for two windows.
    vi.setSystemTime(1_700_000_030_000);
    const proof = await proofOf(theirs, two);
    vi.setSystemTime(1_700_000_000_000);
    expect(await judge(ours, two, { "quorate-proof": proof })).toEqual({ nodeId: 2 });
    for (const laterMs of [0, 1, 30_000, 59_999]) {
      vi.setSystemTime(1_700_000_000_000 + laterMs);
      expect(await rejectionOf(judge(ours, two, { "quorate-proof": proof }))).toMatchObject(
        refusal(/was used before/),
      );
    }
    vi.setSystemTime(1_700_000_060_001);
    expect(await rejectionOf(judge(ours, two, { "quorate-proof": proof }))).toMatchObject(
      refusal(/is 30001 ms old/),
    );
  });

  /** What becomes of a proof that is that old where it arrives. */
  async function outcomeAt(ageMs: number, options: SharedSecretOptions): Promise<unknown> {
    vi.useFakeTimers({ now: 1_700_000_000_000 });
    const proof = await proofOf(sharedSecret(secret), two);
    vi.setSystemTime(1_700_000_000_000 + ageMs);
    return judge(sharedSecret(secret, options), two, { "quorate-proof": proof }).catch(
      (error: unknown) => error,
    );
  }

  it.each<[number, SharedSecretOptions]>([
    [30_000, {}],
    [-30_000, {}],
    [1_000, { windowMs: 1_000 }],
  ])("takes a proof that is %i ms old, with %j", async (ageMs, options) => {
    expect(await outcomeAt(ageMs, options)).toEqual({ nodeId: 2 });
  });

  it.each<[number, SharedSecretOptions]>([
    [30_001, {}],
    [-30_001, {}],
    [1_001, { windowMs: 1_000 }],
  ])("refuses a proof that is %i ms old, with %j", async (ageMs, options) => {
    expect(await outcomeAt(ageMs, options)).toMatchObject(
      refusal(new RegExp(`is ${ageMs} ms old by the clock of this server`)),
    );
  });

  it("remembers a bounded number of proofs; those above are refused until there is room", async () => {
    vi.useFakeTimers({ now: 1_700_000_000_000 });
    const ours = sharedSecret(secret, { maxRemembered: 2, windowMs: 1_000 });
    const theirs = sharedSecret(secret);
    const bring = async () => judge(ours, two, { "quorate-proof": await proofOf(theirs, two) });
    await bring();
    await bring();
    expect(await rejectionOf(bring())).toMatchObject({
      code: Code.ResourceExhausted,
      reason: "TOO_MANY_PROOFS",
    });
    // Nobody can fill it who does not have the secret.
    const forged = await proofOf(sharedSecret("a guess of 16 bytes or more"), two);
    expect(await rejectionOf(judge(ours, two, { "quorate-proof": forged }))).toMatchObject(
      refusal(/is not valid/),
    );
    vi.setSystemTime(1_700_000_002_000);
    await bring();
  });

  it.each<[string, unknown, object, RegExp]>([
    ["too short", "15 bytes of text", { previous: ["too short"] }, /must have 16 bytes or more/],
    ["empty", "", {}, /must have 16 bytes or more/],
    ["missing", undefined, {}, /must be a string or bytes/],
    ["with no window", secret, { windowMs: 0 }, /^quorate: windowMs/],
    ["with no memory", secret, { maxRemembered: 0 }, /^quorate: maxRemembered/],
  ])("refuses a secret that is %s", (_, value, options, text) => {
    expect(() => sharedSecret(value as string, options)).toThrow(
      expect.objectContaining({
        code: Code.InvalidArgument,
        message: expect.stringMatching(text) as string,
      }) as Error,
    );
  });
});
